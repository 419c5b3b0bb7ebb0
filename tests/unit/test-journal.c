/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-rig.h"

/* What becomes of calls in the store behind a journal. */

static void
find_out(CordJournal *journal, const gchar *text)
{
  g_autoptr(JsonNode) node = json_from_string(text, NULL);

  cord_journal_call_extracted(journal, "c1", json_node_get_object(node));
}

static void
assert_metadata(const CordCallRecord *call, const gchar *expected)
{
  g_autofree gchar *text = json_to_string(call->metadata, FALSE);

  g_assert_cmpstr(text, ==, expected);
}

static void
assert_extracted(CordStore *store, const gchar *text)
{
  g_autoptr(CordCallRecord) call = test_store_get_call(store, "c1");
  g_autofree gchar *found = call->extracted ? json_to_string(call->extracted, FALSE) : NULL;

  g_assert_cmpstr(found, ==, text);
}

/* The newest counts, also after the end, and nothing else of the call changes with it. */
static void
test_extracted(void)
{
  JournalRig rig = { 0 };
  g_autoptr(CordCallRecord) call = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", "CA1");
  journal_rig_drain(&rig);
  assert_extracted(rig.store, NULL);
  find_out(rig.journal, "{\"name\":null}");
  find_out(rig.journal, "{\"name\":\"\xc3\x89va \\\"E\\\"\"}");
  cord_journal_call_ended(rig.journal, "c1", "completed", "caller_hangup", 12);
  journal_rig_drain(&rig);
  assert_extracted(rig.store, "{\"name\":\"\xc3\x89va \\\"E\\\"\"}");
  find_out(rig.journal, "{\"name\":\"Eva\"}");
  /* whoever reads the journal again changes nothing */
  journal_rig_close(&rig);
  journal_rig_open(&rig);
  journal_rig_drain(&rig);
  assert_extracted(rig.store, "{\"name\":\"Eva\"}");
  call = test_store_get_call(rig.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_cmpint(call->duration_seconds, ==, 12);
  g_assert_nonnull(call->metadata);
  journal_rig_clear(&rig);
}

static void
test_a_call(void)
{
  JournalRig rig = { 0 };
  g_autoptr(CordCallRecord) changes = cord_call_record_new();
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(CordFunctionCall) run = cord_function_call_new();
  g_autoptr(GPtrArray) lines = NULL;
  g_autoptr(GPtrArray) runs = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", "CA1");
  changes->id = g_strdup("c1");
  changes->status = g_strdup("in-progress");
  cord_journal_call_updated(rig.journal, changes);
  cord_journal_transcript(rig.journal, "c1", "assistant", "Good \"morning\"\n\xf0\x9f\x98\x80");
  cord_journal_transcript(rig.journal, "c1", "user", "broken \xff byte");
  run->id = g_strdup("f1");
  run->call_id = g_strdup("c1");
  run->function_name = g_strdup("end_call");
  run->status = g_strdup("pending");
  cord_journal_function_call(rig.journal, run);
  g_free(run->status);
  run->status = g_strdup("completed");
  run->result = json_from_string("[1]", NULL);
  cord_journal_function_call(rig.journal, run);
  cord_journal_call_ended(rig.journal, "c1", "completed", "caller_hangup", 12);
  journal_rig_drain(&rig);
  call = test_store_get_call(rig.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_cmpstr(call->end_reason, ==, "caller_hangup");
  g_assert_cmpstr(call->twilio_call_sid, ==, "CA1");
  g_assert_cmpint(call->duration_seconds, ==, 12);
  g_assert_nonnull(call->ended_at);
  g_assert_nonnull(call->metadata);
  lines = test_store_get_transcript(rig.store, "c1");
  g_assert_cmpuint(lines->len, ==, 2);
  g_assert_cmpstr(((CordTranscriptEntry *)lines->pdata[0])->content, ==,
                  "Good \"morning\"\n\xf0\x9f\x98\x80");
  runs = test_store_get_function_calls(rig.store, "c1");
  g_assert_cmpuint(runs->len, ==, 1);
  g_assert_cmpstr(((CordFunctionCall *)runs->pdata[0])->status, ==, "completed");
  journal_rig_clear(&rig);
}

/* That there was a call is kept, and not what was said in it. */
static void
test_discreet(void)
{
  JournalRig rig = { 0 };
  g_autoptr(CordCallRecord) call = NULL;
  g_autoptr(CordFunctionCall) run = cord_function_call_new();
  g_autoptr(GPtrArray) lines = NULL, runs = NULL;

  journal_rig_init(&rig);
  cord_journal_set_discreet(rig.journal, TRUE);
  journal_rig_create_call(rig.journal, "c1", "CA1");
  cord_journal_transcript(rig.journal, "c1", "user", "My secret");
  find_out(rig.journal, "{\"name\":\"My name\"}");
  run->call_id = g_strdup("c1");
  run->function_name = g_strdup("end_call");
  run->status = g_strdup("completed");
  cord_journal_function_call(rig.journal, run);
  cord_journal_call_ended(rig.journal, "c1", "completed", "caller_hangup", 12);
  journal_rig_drain(&rig);
  call = test_store_get_call(rig.store, "c1");
  g_assert_cmpstr(call->status, ==, "completed");
  g_assert_null(call->extracted);
  lines = test_store_get_transcript(rig.store, "c1");
  g_assert_cmpuint(lines->len, ==, 0);
  runs = test_store_get_function_calls(rig.store, "c1");
  g_assert_cmpuint(runs->len, ==, 0);
  journal_rig_clear(&rig);
}

static void
test_interrupted(void)
{
  JournalRig rig = { 0 };
  g_autoptr(CordCallRecord) running = NULL;
  g_autoptr(CordCallRecord) ended = NULL;
  g_autoptr(CordCallRecord) new = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "running", NULL);
  journal_rig_create_call(rig.journal, "ended", NULL);
  cord_journal_transcript(rig.journal, "running", "assistant", "Hello");
  cord_journal_call_ended(rig.journal, "ended", "completed", "done", 1);
  journal_rig_close(&rig);
  journal_rig_open(&rig);
  journal_rig_create_call(rig.journal, "new", NULL);
  journal_rig_drain(&rig);
  running = test_store_get_call(rig.store, "running");
  g_assert_cmpstr(running->status, ==, "failed");
  g_assert_cmpstr(running->end_reason, ==, "interrupted");
  g_assert_nonnull(running->ended_at);
  g_assert_cmpint(running->duration_seconds, >=, 0);
  ended = test_store_get_call(rig.store, "ended");
  g_assert_cmpstr(ended->end_reason, ==, "done");
  new = test_store_get_call(rig.store, "new");
  g_assert_cmpstr(new->status, ==, "ringing");
  journal_rig_clear(&rig);
}

/* What a server says when it starts must not lag behind what the last one did. */
static void
test_catch_up(void)
{
  JournalRig rig = { 0 };
  g_autoptr(CordCallRecord) running = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "running", NULL);
  journal_rig_close(&rig);
  journal_rig_open(&rig);
  g_assert_true(cord_journal_catch_up(rig.journal, 60000));
  running = test_store_get_call(rig.store, "running");
  g_assert_cmpstr(running->end_reason, ==, "interrupted");
  journal_rig_clear(&rig);
}

/* Another server on the same database is alive: its calls are not ours to end. */
static void
test_other_server(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *other_dir = NULL;
  g_autoptr(CordJournal) other = NULL;
  g_autoptr(CordCallRecord) call = NULL;

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "ours", NULL);
  journal_rig_drain(&rig);
  other_dir = g_build_filename(rig.dir, "other", NULL);
  other = cord_journal_open(other_dir, rig.store, NULL);
  g_assert_cmpstr(cord_journal_get_server_id(other), !=, cord_journal_get_server_id(rig.journal));
  cord_journal_close(other, 10000);
  call = test_store_get_call(rig.store, "ours");
  g_assert_cmpstr(call->status, ==, "ringing");
  journal_rig_clear(&rig);
}

static void
test_one_process(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *dir = NULL;
  g_autoptr(GError) error = NULL;

  journal_rig_init(&rig);
  dir = g_build_filename(rig.dir, "journal", NULL);
  g_assert_null(cord_journal_open(dir, rig.store, &error));
  g_assert_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY);
  journal_rig_clear(&rig);
}

static gboolean
delete_call(CordDatabase *database, gpointer data, GError **error)
{
  return cord_database_run(database, "DELETE FROM calls WHERE id = $1",
                           CORD_PARAMS((const gchar *)data), error);
}

static void
test_deleted_call(void)
{
  JournalRig rig = { 0 };

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_create_call(rig.journal, "c2", NULL);
  journal_rig_drain(&rig);
  g_assert_true(cord_store_run(rig.store, delete_call, (gpointer) "c1", NULL));
  journal_rig_append_lines(rig.journal, "c1", 0, 3);
  journal_rig_append_lines(rig.journal, "c2", 0, 3);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c1", 0);
  journal_rig_assert_lines(rig.store, "c2", 3);
  journal_rig_clear(&rig);
}

static void
test_same_call_sid(void)
{
  JournalRig rig = { 0 };

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", "CA1");
  journal_rig_create_call(rig.journal, "c2", "CA1");
  journal_rig_append_lines(rig.journal, "c2", 0, 2);
  journal_rig_drain(&rig);
  journal_rig_assert_lines(rig.store, "c2", 2);
  journal_rig_clear(&rig);
}

/* Numbers of journals are not comparable: each server counts its own. */
static void
test_told_by_another(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *other_dir = NULL;
  g_autoptr(CordJournal) other = NULL;
  g_autoptr(CordCallRecord) changes = cord_call_record_new();
  g_autoptr(CordCallRecord) call = NULL;

  journal_rig_init(&rig);
  for (guint i = 0; i < 20; i++) {
    g_autofree gchar *id = i == 19 ? g_strdup("last") : cord_store_new_id();

    journal_rig_create_call(rig.journal, id, NULL);
  }
  journal_rig_drain(&rig);
  other_dir = g_build_filename(rig.dir, "other", NULL);
  other = cord_journal_open(other_dir, rig.store, NULL);
  changes->id = g_strdup("last");
  changes->duration_seconds = -1;
  changes->status = g_strdup("in-progress");
  changes->metadata = json_from_string("{\"answered_by\":\"human\"}", NULL);
  cord_journal_call_updated(other, changes);
  cord_journal_close(other, 10000);
  call = test_store_get_call(rig.store, "last");
  g_assert_cmpstr(call->status, ==, "in-progress");
  /* and what it did not speak of has stayed */
  assert_metadata(call, "{\"to\":\"+1\",\"answered_by\":\"human\"}");
  g_clear_pointer(&call, cord_call_record_unref);
  /* its own server goes on counting */
  g_clear_pointer(&changes->metadata, json_node_unref);
  g_free(changes->status);
  changes->status = g_strdup("completed");
  cord_journal_call_updated(rig.journal, changes);
  journal_rig_drain(&rig);
  call = test_store_get_call(rig.store, "last");
  g_assert_cmpstr(call->status, ==, "completed");
  journal_rig_clear(&rig);
}

static void
record(CordJournal *journal, const gchar *call_sid, const gchar *sid, const gchar *status)
{
  g_autoptr(JsonObject) recording = json_object_new();

  json_object_set_string_member(recording, "sid", sid);
  json_object_set_string_member(recording, "status", status);
  cord_journal_call_recorded(journal, "c1", call_sid, recording);
}

#define RECORDING(sid, status) "{\"sid\":\"" sid "\",\"status\":\"" status "\"}"

/* A carrier tells it twice, and in whatever order. */
static void
test_recordings(void)
{
  static const struct {
    const gchar *call_sid, *sid, *status;
    const gchar *metadata; /* then */
  } steps[] = {
    { "CA1", "RE1", "completed",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE1", "completed") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "]}" },
    { "CA1", "RE1", "in-progress",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE1", "completed") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "]}" },
    { NULL, "RE1", "completed",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE1", "completed") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "]}" },
    { "CA2", "RE9", "completed",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE1", "completed") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "]}" },
    { "CA1", "RE2", "in-progress",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE2", "in-progress") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "," RECORDING("RE2", "in-progress") "]}" },
    { "CA1", "RE2", "completed",
      "{\"to\":\"+1\",\"recording\":" RECORDING("RE2", "completed") ",\"recordings\":[" RECORDING(
          "RE1", "completed") "," RECORDING("RE2", "completed") "]}" },
  };
  JournalRig rig = { 0 };

  journal_rig_init(&rig);
  journal_rig_create_call(rig.journal, "c1", "CA1");
  for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
    g_autoptr(CordCallRecord) call = NULL;

    record(rig.journal, steps[i].call_sid, steps[i].sid, steps[i].status);
    journal_rig_drain(&rig);
    call = test_store_get_call(rig.store, "c1");
    assert_metadata(call, steps[i].metadata);
  }
  journal_rig_clear(&rig);
}

/* Two servers hear of it at the same time; and of a call that was deleted nobody wants to know. */
static void
test_recordings_of_two(void)
{
  JournalRig rig = { 0 };
  g_autofree gchar *other_dir = NULL;
  g_autoptr(CordJournal) other = NULL;
  g_autoptr(CordCallRecord) call = NULL;
  JsonObject *metadata;

  journal_rig_init(&rig);
  record(rig.journal, NULL, "RE0", "completed");
  journal_rig_create_call(rig.journal, "c1", NULL);
  journal_rig_drain(&rig);
  other_dir = g_build_filename(rig.dir, "other", NULL);
  other = cord_journal_open(other_dir, rig.store, NULL);
  for (guint i = 0; i < 20; i++) {
    g_autofree gchar *one = g_strdup_printf("REa%u", i);
    g_autofree gchar *two = g_strdup_printf("REb%u", i);

    record(rig.journal, NULL, one, "completed");
    record(other, NULL, two, "completed");
  }
  cord_journal_close(other, 10000);
  journal_rig_drain(&rig);
  call = test_store_get_call(rig.store, "c1");
  metadata = json_node_get_object(call->metadata);
  g_assert_cmpuint(json_array_get_length(json_object_get_array_member(metadata, "recordings")), ==,
                   40);
  journal_rig_clear(&rig);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/journal/a call arrives in the store", test_a_call);
  g_test_add_func("/journal/what was found out is what was found out last", test_extracted);
  g_test_add_func("/journal/a discreet one keeps nothing of what was said", test_discreet);
  g_test_add_func("/journal/running calls of a dead process are interrupted", test_interrupted);
  g_test_add_func("/journal/a server can wait for what its predecessor left", test_catch_up);
  g_test_add_func("/journal/calls of another server are left alone", test_other_server);
  g_test_add_func("/journal/what another server knows of a call counts", test_told_by_another);
  g_test_add_func("/journal/recordings are told of in any order", test_recordings);
  g_test_add_func("/journal/two servers hear of recordings", test_recordings_of_two);
  g_test_add_func("/journal/a directory belongs to one process", test_one_process);
  g_test_add_func("/journal/lines of a deleted call are dropped", test_deleted_call);
  g_test_add_func("/journal/a call named twice keeps its lines", test_same_call_sid);
  return g_test_run();
}
