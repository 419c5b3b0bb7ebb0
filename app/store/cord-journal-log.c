/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-journal-log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cord-records.h"

#define SEGMENT_SIZE (4 * 1024 * 1024) /* bytes; above it a new segment begins */
#define READ_SIZE (64 * 1024)          /* bytes */
#define MAX_LINE (CORD_JOURNAL_MAX_RECORD + 64)
#define SEGMENT_NAME "journal-%020" G_GUINT64_FORMAT ".log"

struct _CordJournalLog {
  gchar *directory;
  gchar *server_id;
  int lock_fd;
  guint64 last; /* found when opening */

  GMutex lock;      /* leaf; guards segments */
  GArray *segments; /* guint64: the first record of each, in order */

  /* the appending thread's */
  int fd;
  goffset size;

  /* the reading thread's */
  int read_fd;
  guint64 reading; /* first record of the segment */
  goffset offset;
  GByteArray *rest; /* read but not yet parsed */
};

static gboolean
fail(GError **error, const gchar *what, const gchar *path)
{
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "Cannot %s %s: %s", what, path,
              g_strerror(errno));
  return FALSE;
}

static gchar *
segment_path(CordJournalLog *self, guint64 first)
{
  g_autofree gchar *name = g_strdup_printf(SEGMENT_NAME, first);

  return g_build_filename(self->directory, name, NULL);
}

static gboolean
sync_directory(CordJournalLog *self, GError **error)
{
  int fd = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync(fd) == 0;

  if (!ok)
    fail(error, "sync", self->directory);
  if (fd >= 0)
    close(fd);
  return ok;
}

/* Reading */

static gboolean
find_segment(CordJournalLog *self, guint64 after, guint64 *first)
{
  gboolean found = FALSE;

  g_mutex_lock(&self->lock);
  for (guint i = 0; i < self->segments->len && !found; i++) {
    *first = g_array_index(self->segments, guint64, i);
    found = *first > after;
  }
  g_mutex_unlock(&self->lock);
  return found;
}

static void
close_reader(CordJournalLog *self)
{
  if (self->read_fd >= 0)
    close(self->read_fd);
  self->read_fd = -1;
  self->offset = 0;
  g_byte_array_set_size(self->rest, 0);
}

/* Goes on to the next segment; FALSE without an error when there is none. */
static gboolean
next_segment(CordJournalLog *self, GError **error)
{
  g_autofree gchar *path = NULL;
  guint64 first;

  if (!find_segment(self, self->reading, &first))
    return FALSE;
  if (self->rest->len > 0)
    g_message("The journal's segment %" G_GUINT64_FORMAT " ends in the middle of a record",
              self->reading);
  close_reader(self);
  path = segment_path(self, first);
  self->read_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (self->read_fd < 0)
    return fail(error, "open", path);
  self->reading = first;
  return TRUE;
}

/* Reads more of the segment into the rest; the count, 0 at its end, negative with an error. */
static gssize
read_more(CordJournalLog *self, GError **error)
{
  guchar buffer[READ_SIZE];
  gssize n;

  if (self->read_fd < 0)
    return 0;
  n = pread(self->read_fd, buffer, sizeof(buffer), self->offset);
  if (n < 0)
    fail(error, "read", self->directory);
  if (n <= 0)
    return n;
  if (self->rest->len > MAX_LINE) /* no newline within reason: not a line of ours */
    g_byte_array_set_size(self->rest, 0);
  g_byte_array_append(self->rest, buffer, n);
  self->offset += n;
  return n;
}

/* Takes the lines that are complete; stops behind the record up_to or when there are enough. */
static gboolean
parse_lines(CordJournalLog *self, GPtrArray *records, guint64 up_to, guint max_records)
{
  const gchar *at = (const gchar *)self->rest->data;
  const gchar *end = at + self->rest->len;
  const gchar *newline;
  gboolean more = TRUE;

  while (more && at < end && (newline = memchr(at, '\n', end - at))) {
    g_autoptr(GError) error = NULL;
    CordJournalRecord *record = cord_journal_record_parse(at, newline - at, &error);

    at = newline + 1;
    if (!record) {
      g_message("%s (segment %" G_GUINT64_FORMAT ")", error->message, self->reading);
      continue;
    }
    g_ptr_array_add(records, record);
    more = record->seq < up_to && records->len < max_records;
  }
  if (at > (const gchar *)self->rest->data)
    g_byte_array_remove_range(self->rest, 0, at - (const gchar *)self->rest->data);
  return more;
}

/**
 * cord_journal_log_read:
 * @self: a log
 * @up_to: the last record that is known to be written
 * @max_records: how many to return at most
 * @error: return location for an error
 *
 * Reads on from where the last call stopped. Damaged lines are skipped and told.
 *
 * Returns: (transfer container) (element-type CordJournalRecord): the records, none at the end
 */
GPtrArray *
cord_journal_log_read(CordJournalLog *self, guint64 up_to, guint max_records, GError **error)
{
  g_autoptr(GPtrArray) records =
      g_ptr_array_new_with_free_func((GDestroyNotify)cord_journal_record_free);

  while (parse_lines(self, records, up_to, max_records)) {
    g_autoptr(GError) local_error = NULL;
    gssize n = read_more(self, &local_error);

    if (n == 0 && next_segment(self, &local_error))
      continue;
    if (local_error) {
      g_propagate_error(error, g_steal_pointer(&local_error));
      return NULL;
    }
    if (n == 0)
      break;
  }
  return g_steal_pointer(&records);
}

/**
 * cord_journal_log_forget:
 * @self: a log
 * @up_to: the last record that is in the store
 *
 * Removes the segments that hold nothing newer, except the last one: its name tells the next
 * process where to count on.
 */
void
cord_journal_log_forget(CordJournalLog *self, guint64 up_to)
{
  for (;;) {
    g_autofree gchar *path = NULL;

    g_mutex_lock(&self->lock);
    if (self->segments->len >= 2 && g_array_index(self->segments, guint64, 1) <= up_to + 1) {
      path = segment_path(self, g_array_index(self->segments, guint64, 0));
      g_array_remove_index(self->segments, 0);
    }
    g_mutex_unlock(&self->lock);
    if (!path)
      return;
    g_unlink(path);
  }
}

/**
 * cord_journal_log_reject:
 * @self: a log
 * @record: a record that the store will never take
 *
 * Puts it aside for a person to look at.
 */
void
cord_journal_log_reject(CordJournalLog *self, const CordJournalRecord *record)
{
  g_autofree gchar *path = g_build_filename(self->directory, "rejected.log", NULL);
  g_autoptr(GString) line = g_string_new(NULL);
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
  g_autofree gchar *json = NULL;
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

  json_node_set_object(node, record->fields);
  json = json_to_string(node, FALSE);
  cord_journal_record_format(line, record->seq, json);
  if (fd < 0 || write(fd, line->str, line->len) != (gssize)line->len)
    g_message("Lost: %s", json);
  if (fd >= 0)
    close(fd);
}

/* Appending */

static gboolean
new_segment(CordJournalLog *self, guint64 first_seq, GError **error)
{
  g_autofree gchar *path = segment_path(self, first_seq);
  guint last;

  if (self->fd >= 0)
    close(self->fd);
  self->size = 0;
  self->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (self->fd < 0)
    return fail(error, "create", path);
  if (!sync_directory(self, error)) {
    g_close(self->fd, NULL);
    self->fd = -1;
    return FALSE;
  }
  g_mutex_lock(&self->lock);
  last = self->segments->len;
  if (last == 0 || g_array_index(self->segments, guint64, last - 1) < first_seq)
    g_array_append_val(self->segments, first_seq);
  g_mutex_unlock(&self->lock);
  return TRUE;
}

static gboolean
write_all(int fd, const gchar *data, gsize length)
{
  while (length > 0) {
    gssize n = write(fd, data, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    data += n;
    length -= n;
  }
  return TRUE;
}

/**
 * cord_journal_log_append:
 * @self: a log
 * @lines: formatted records
 * @length: bytes in them
 * @first_seq: number of the first of them
 * @error: return location for an error
 *
 * Writes and syncs. After a failure nothing of @lines counts as written: the segment is cut back to
 * what it held, or given up for a new one when even that fails.
 *
 * Returns: whether the lines are on disk
 */
gboolean
cord_journal_log_append(CordJournalLog *self, const gchar *lines, gsize length, guint64 first_seq,
                        GError **error)
{
  if ((self->fd < 0 || self->size >= SEGMENT_SIZE) && !new_segment(self, first_seq, error))
    return FALSE;
  if (write_all(self->fd, lines, length) && fdatasync(self->fd) == 0) {
    self->size += length;
    return TRUE;
  }
  fail(error, "write to the journal in", self->directory);
  if (self->size == 0 || ftruncate(self->fd, self->size) < 0 ||
      lseek(self->fd, self->size, SEEK_SET) < 0) {
    g_close(self->fd, NULL);
    self->fd = -1;
  }
  return FALSE;
}

/* Opening */

static gboolean
take_directory(CordJournalLog *self, GError **error)
{
  g_autofree gchar *path = g_build_filename(self->directory, "lock", NULL);

  if (g_mkdir_with_parents(self->directory, 0700) < 0)
    return fail(error, "make", self->directory);
  self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock_fd < 0)
    return fail(error, "open", path);
  if (flock(self->lock_fd, LOCK_EX | LOCK_NB) < 0) {
    g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_BUSY,
                "Another process uses the journal in %s; give each server a state directory of "
                "its own",
                self->directory);
    return FALSE;
  }
  return TRUE;
}

static gboolean
load_server_id(CordJournalLog *self, GError **error)
{
  g_autofree gchar *path = g_build_filename(self->directory, "server-id", NULL);
  g_autoptr(GError) write_error = NULL;

  if (g_file_get_contents(path, &self->server_id, NULL, NULL)) {
    g_strstrip(self->server_id);
    if (g_uuid_string_is_valid(self->server_id))
      return TRUE;
    g_clear_pointer(&self->server_id, g_free);
  }
  self->server_id = cord_store_new_id();
  if (g_file_set_contents_full(path, self->server_id, -1, G_FILE_SET_CONTENTS_DURABLE, 0600,
                               &write_error))
    return TRUE;
  g_set_error(error, CORD_STORE_ERROR, CORD_STORE_ERROR_UNAVAILABLE, "%s", write_error->message);
  return FALSE;
}

static gint
compare_segments(gconstpointer a, gconstpointer b)
{
  guint64 first = *(const guint64 *)a, second = *(const guint64 *)b;

  return first < second ? -1 : first > second;
}

static gboolean
list_segments(CordJournalLog *self, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(self->directory, 0, NULL);
  const gchar *name;

  if (!dir)
    return fail(error, "list", self->directory);
  while ((name = g_dir_read_name(dir))) {
    g_autofree gchar *expected = NULL;
    guint64 first;

    if (!g_str_has_prefix(name, "journal-"))
      continue;
    first = g_ascii_strtoull(name + strlen("journal-"), NULL, 10);
    expected = g_strdup_printf(SEGMENT_NAME, first);
    if (first > 0 && g_str_equal(name, expected))
      g_array_append_val(self->segments, first);
  }
  g_array_sort(self->segments, compare_segments);
  return TRUE;
}

/* Where an earlier process stopped counting. */
static gboolean
find_last(CordJournalLog *self, GError **error)
{
  guint n = self->segments->len;

  if (n == 0)
    return TRUE;
  self->last = g_array_index(self->segments, guint64, n - 1) - 1;
  for (;;) {
    g_autoptr(GPtrArray) records = cord_journal_log_read(self, G_MAXUINT64, 1024, error);

    if (!records)
      return FALSE;
    if (records->len == 0)
      break;
    for (guint i = 0; i < records->len; i++)
      self->last = MAX(self->last, ((CordJournalRecord *)records->pdata[i])->seq);
  }
  close_reader(self);
  self->reading = 0;
  return TRUE;
}

/**
 * cord_journal_log_open:
 * @directory: where the segments are, made when it is missing
 * @error: return location for an error
 *
 * Returns: (transfer full): the log, held by this process alone
 */
CordJournalLog *
cord_journal_log_open(const gchar *directory, GError **error)
{
  g_autoptr(CordJournalLog) self = g_new0(CordJournalLog, 1);

  self->directory = g_strdup(directory);
  self->lock_fd = self->fd = self->read_fd = -1;
  self->segments = g_array_new(FALSE, FALSE, sizeof(guint64));
  self->rest = g_byte_array_new();
  g_mutex_init(&self->lock);
  if (!take_directory(self, error) || !load_server_id(self, error) || !list_segments(self, error) ||
      !find_last(self, error))
    return NULL;
  return g_steal_pointer(&self);
}

void
cord_journal_log_free(CordJournalLog *self)
{
  close_reader(self);
  if (self->fd >= 0)
    close(self->fd);
  if (self->lock_fd >= 0)
    close(self->lock_fd);
  g_byte_array_unref(self->rest);
  g_array_unref(self->segments);
  g_mutex_clear(&self->lock);
  g_free(self->server_id);
  g_free(self->directory);
  g_free(self);
}

const gchar *
cord_journal_log_get_server_id(CordJournalLog *self)
{
  return self->server_id;
}

guint64
cord_journal_log_get_last(CordJournalLog *self)
{
  return self->last;
}
