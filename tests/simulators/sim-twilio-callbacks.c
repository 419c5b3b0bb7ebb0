/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cord-json.h"
#include "sim-twilio-call-private.h"

/* What is told of a call, one after the other. */

#define MINUTE 60 /* s */

static const gchar *const event_names[] = { "initiated", "ringing", "answered", "completed" };

typedef struct {
  gchar *url;
  CordPhoneForm *form;
} Post;

static void post_next(SimTwilioCall *self);

static void
free_post(gpointer data)
{
  Post *post = data;

  g_free(post->url);
  g_free(post);
}

static void
on_posted(GBytes *answer, const GError *error, gpointer data)
{
  SimTwilioCall *self = data;

  self->post = NULL;
  sim_server_note(self->twilio->server, "twilio", self->index, "callback-answer",
                  error ? error->message : "taken");
  free_post(g_queue_pop_head(&self->posts));
  post_next(self);
}

static void
post_next(SimTwilioCall *self)
{
  Post *post = g_queue_peek_head(&self->posts);
  g_autofree gchar *body = NULL, *text = NULL;

  if (!post || self->post)
    return;
  body = cord_phone_form_encode(post->form);
  text = g_strdup_printf("%s %s", post->url, body);
  sim_server_note(self->twilio->server, "twilio", self->index, "callback", text);
  self->post = cord_phone_post(sim_server_get_worker(self->twilio->server), post->url, post->form,
                               self->auth_token, on_posted, self);
}

static void
queue_post(SimTwilioCall *self, const gchar *url, CordPhoneForm *form)
{
  Post *post = g_new(Post, 1);

  *post = (Post){ g_strdup(url), form };
  g_queue_push_tail(&self->posts, post);
  post_next(self);
}

static void
add_number(CordPhoneForm *form, const gchar *name, gint64 number)
{
  g_autofree gchar *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

  cord_phone_form_add(form, name, text);
}

static CordPhoneForm *
new_form(SimTwilioCall *self)
{
  CordPhoneForm *form = cord_phone_form_new();

  g_ptr_array_add(self->forms, form);
  cord_phone_form_add(form, "AccountSid", self->account_sid);
  cord_phone_form_add(form, "CallSid", self->sid);
  return form;
}

static void
add_outcome(SimTwilioCall *self, CordPhoneForm *form)
{
  static const struct {
    const gchar *status;
    const gchar *sip;
  } codes[] = {
    { "completed", "200" },
    { "failed", "404" },
    { NULL, "487" },
  };
  guint i = 0;

  while (codes[i].status && !g_str_equal(codes[i].status, self->status))
    i++;
  cord_phone_form_add(form, "SipResponseCode", codes[i].sip);
  add_number(form, "CallDuration", self->duration);
  add_number(form, "Duration", (self->duration + MINUTE - 1) / MINUTE);
  if (self->recording) {
    cord_phone_form_add(form, "RecordingSid", self->recording->sid);
    add_number(form, "RecordingDuration", self->recording->duration);
  }
}

static CordPhoneForm *
new_status_form(SimTwilioCall *self, SimTwilioEvent event)
{
  CordPhoneForm *form = new_form(self);
  const gchar *from = sim_twilio_call_get(self, "From"), *to = sim_twilio_call_get(self, "To");
  g_autofree gchar *now = sim_twilio_now();

  cord_phone_form_add(form, "From", from);
  cord_phone_form_add(form, "Caller", from);
  cord_phone_form_add(form, "To", to);
  cord_phone_form_add(form, "Called", to);
  cord_phone_form_add(form, "CallStatus",
                      event == SIM_TWILIO_INITIATED ? "initiated" : self->status);
  cord_phone_form_add(form, "Direction", "outbound-api");
  cord_phone_form_add(form, "ApiVersion", "2010-04-01");
  cord_phone_form_add(form, "Timestamp", now);
  cord_phone_form_add(form, "CallbackSource", "call-progress-events");
  add_number(form, "SequenceNumber", self->sequence++);
  if (event == SIM_TWILIO_COMPLETED)
    add_outcome(self, form);
  return form;
}

/* Repeated parameters, or names with spaces between. */
static gboolean
is_wanted(CordForm *form, const gchar *field, const gchar *name, const gchar *fallback)
{
  gboolean any = FALSE;

  for (guint i = 0; i < cord_form_get_length(form); i++) {
    g_auto(GStrv) names = NULL;

    if (!g_str_equal(cord_form_get_name(form, i), field))
      continue;
    any = TRUE;
    names = g_strsplit_set(cord_form_get_value(form, i), " ,", -1);
    if (g_strv_contains((const gchar *const *)names, name))
      return TRUE;
  }
  return !any && g_str_equal(fallback, name);
}

static gint
find_event(const gchar *name)
{
  for (gint i = 0; i < SIM_TWILIO_EVENTS; i++)
    if (g_str_equal(event_names[i], name))
      return i;
  return -1;
}

/* As many as may go in the scripted order. */
static void
post_ordered(SimTwilioCall *self, JsonArray *order)
{
  const gchar *url = sim_twilio_call_get(self, "StatusCallback");

  while (self->ordered < json_array_get_length(order)) {
    gint event = find_event(json_array_get_string_element(order, self->ordered));

    if (event >= 0 && !self->happened[event])
      return;
    if (event >= 0)
      queue_post(self, url, self->happened[event]);
    self->ordered++;
  }
}

void
sim_twilio_call_tell(SimTwilioCall *self, SimTwilioEvent event)
{
  const gchar *url = sim_twilio_call_get(self, "StatusCallback");
  JsonArray *order = self->script ? cord_json_peek_array(self->script, "order") : NULL;

  if (!url || !is_wanted(self->form, "StatusCallbackEvent", event_names[event], "completed"))
    return;
  self->happened[event] = new_status_form(self, event);
  if (order)
    post_ordered(self, order);
  else
    queue_post(self, url, self->happened[event]);
}

void
sim_twilio_call_tell_recording(SimTwilioCall *self)
{
  SimTwilioRecording *recording = self->recording;
  /* who has begun it says who is told of it */
  CordForm *order = recording->order ? recording->order : self->form;
  const gchar *url = cord_form_get(order, "RecordingStatusCallback");
  CordPhoneForm *form;
  g_autofree gchar *address = NULL;

  if (!url || !is_wanted(order, "RecordingStatusCallbackEvent", recording->status, "completed"))
    return;
  form = new_form(self);
  address = g_strconcat("https://api.twilio.com" SIM_TWILIO_API, self->account_sid, "/Recordings/",
                        recording->sid, NULL);
  cord_phone_form_add(form, "RecordingSid", recording->sid);
  cord_phone_form_add(form, "RecordingUrl", address);
  cord_phone_form_add(form, "RecordingStatus", recording->status);
  add_number(form, "RecordingDuration", recording->duration);
  add_number(form, "RecordingChannels", recording->channels);
  cord_phone_form_add(form, "RecordingStartTime", recording->created);
  cord_phone_form_add(form, "RecordingSource", recording->source);
  cord_phone_form_add(form, "RecordingTrack", "both");
  queue_post(self, url, form);
}

void
sim_twilio_call_tell_machine(SimTwilioCall *self, const gchar *url)
{
  CordPhoneForm *form = new_form(self);

  cord_phone_form_add(form, "AnsweredBy", self->answered_by);
  add_number(form, "MachineDetectionDuration", sim_twilio_call_peek(self, "machine_ms", 100));
  queue_post(self, url, form);
}

void
sim_twilio_call_clear_posts(SimTwilioCall *self)
{
  g_clear_pointer(&self->post, cord_phone_post_cancel);
  g_queue_clear_full(&self->posts, free_post);
}
