/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-text-cutter.h"

#include <string.h>

#define CLAUSE_CHARACTERS 12 /* the shortest first clause */
#define CLAUSE_WORDS 3
#define MAX_PIECE 220             /* bytes without a boundary after which a space will do */
#define MAX_VERBATIM (256 * 1024) /* bytes of a text that is for a program */
#define MAX_CODE 4096             /* bytes that are kept of code that is not spoken */
#define LOOK_AHEAD 16 /* bytes behind that limit, so that a boundary before it is certain */

struct _CordTextCutter {
  GString *raw; /* text that is not cut yet, valid UTF-8 but for its last character */
  gboolean first;
  gboolean finished;
  gboolean verbatim;
};

static const gchar *abbreviations[] = {
  "mr",  "mrs", "ms",  "dr",  "prof", "st",  "jr",  "sr",  "vs",  "etc",  "approx", "no",
  "e.g", "i.e", "fig", "inc", "ltd",  "co",  "jan", "feb", "aug", "sept", "oct",    "nov",
  "dec", "ave", "sra", "dra", "nr",   "str", "bzw", "ca",  "usw", "z.b",  "d.h",    NULL,
};

/* "am 3. Mai" is no end of a sentence */
static const gchar *const months[] = {
  "Januar", "Februar", "M\xc3\xa4rz", "April",   "Mai",      "Juni",
  "Juli",   "August",  "September",   "Oktober", "November", "Dezember",
};

/* Ends of sentences and clauses of other scripts: nothing needs to follow them. */
static const gchar *const wide_stops[] = { "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f",
                                           "\xe0\xa5\xa4", "\xd8\x9f" };
static const gchar *const wide_commas[] = { "\xef\xbc\x8c", "\xe3\x80\x81", "\xd8\x8c" };

/**
 * cord_text_cutter_new: (skip)
 *
 * Returns: (transfer full): a cutter without text
 */
CordTextCutter *
cord_text_cutter_new(void)
{
  CordTextCutter *self = g_new0(CordTextCutter, 1);

  self->raw = g_string_new(NULL);
  self->first = TRUE;
  return self;
}

/**
 * cord_text_cutter_free: (skip)
 * @self: (transfer full): a cutter
 */
void
cord_text_cutter_free(CordTextCutter *self)
{
  g_string_free(self->raw, TRUE);
  g_free(self);
}

/**
 * cord_text_cutter_set_verbatim: (skip)
 * @self: a cutter
 * @verbatim: whether the text is for a program: it is one piece, with everything that was in it
 */
void
cord_text_cutter_set_verbatim(CordTextCutter *self, gboolean verbatim)
{
  self->verbatim = verbatim;
}

/**
 * cord_text_cutter_reset: (skip)
 * @self: a cutter
 *
 * Forgets everything; the next piece is a first one again.
 */
void
cord_text_cutter_reset(CordTextCutter *self)
{
  g_string_truncate(self->raw, 0);
  self->first = TRUE;
  self->finished = FALSE;
}

/**
 * cord_text_cutter_feed: (skip)
 * @self: a cutter
 * @text: more text; it may begin and end anywhere, even within a character
 */
void
cord_text_cutter_feed(CordTextCutter *self, const gchar *text)
{
  /* what is longer is cut; its reader will find that it has no end */
  if (!self->verbatim || self->raw->len < MAX_VERBATIM)
    g_string_append(self->raw, text);
}

/**
 * cord_text_cutter_finish: (skip)
 * @self: a cutter
 *
 * No more text comes: what is left is a piece, too.
 */
void
cord_text_cutter_finish(CordTextCutter *self)
{
  self->finished = TRUE;
}

/* The word that ends before a full stop: "e.g" of "(e.g.". */
static gboolean
is_abbreviation(const gchar *text, gsize end)
{
  gsize start = end;
  g_autofree gchar *word = NULL;

  while (start > 0 && (g_ascii_isalnum(text[start - 1]) || text[start - 1] == '.'))
    start--;
  word = g_ascii_strdown(text + start, (gssize)(end - start));
  return (end - start == 1 && g_ascii_isalpha(text[start]) && text[start] != 'I') ||
         g_strv_contains(abbreviations, word);
}

/* "a.m", "U.S": single letters with full stops between them */
static gboolean
is_initials(const gchar *text, gsize end)
{
  gsize start = end;

  while (start > 0 && (g_ascii_isalpha(text[start - 1]) || text[start - 1] == '.'))
    start--;
  if (end - start < 3)
    return FALSE;
  for (gsize i = start; i < end; i++) {
    if (g_ascii_isalpha(text[i]) == ((i - start) % 2 == 1))
      return FALSE;
  }
  return TRUE;
}

/* What closes after a full stop belongs to the sentence. */
static gsize
skip_closing(const gchar *text, gsize at)
{
  for (;;) {
    if (text[at] && strchr("\"')]*_", text[at]))
      at++;
    else if (g_str_has_prefix(text + at, "\xe2\x80\x9d") ||
             g_str_has_prefix(text + at, "\xe2\x80\x99"))
      at += 3;
    else
      return at;
  }
}

typedef enum {
  NO_BOUNDARY,
  BOUNDARY,
  UNCERTAIN, /* what follows must be seen first */
} Boundary;

static Boundary
month_follows(CordTextCutter *self, gsize at)
{
  const gchar *word = self->raw->str + at;
  gsize length;

  while (*word == ' ')
    word++;
  length = strcspn(word, " ,.!?;:\n");
  if (word[length] == '\0' && !self->finished)
    return UNCERTAIN;
  for (guint i = 0; i < G_N_ELEMENTS(months); i++) {
    if (strlen(months[i]) == length && strncmp(word, months[i], length) == 0)
      return NO_BOUNDARY;
  }
  return BOUNDARY;
}

/* A full stop and its like at `at`; `after` becomes the end of the sentence. */
static Boundary
sentence_ends(CordTextCutter *self, gsize at, gsize *after)
{
  const gchar *text = self->raw->str;
  gsize next = at + 1;

  while (text[next] && strchr(".!?", text[next]))
    next++;
  next = skip_closing(text, next);
  *after = next;
  if (text[next] == '\0')
    return self->finished ? BOUNDARY : UNCERTAIN;
  if (!g_ascii_isspace(text[next]))
    return NO_BOUNDARY;
  if (text[at] != '.' || next > at + 1)
    return BOUNDARY;
  if (is_abbreviation(text, at))
    return NO_BOUNDARY;
  if (is_initials(text, at)) {
    while (g_ascii_isspace(text[next]))
      next++;
    if (text[next] == '\0')
      return self->finished ? BOUNDARY : UNCERTAIN;
    return g_ascii_isupper(text[next]) ? BOUNDARY : NO_BOUNDARY;
  }
  /* "1. First": the number of a list is no sentence */
  if (at > 0 && g_ascii_isdigit(text[at - 1])) {
    gsize start = at;

    while (start > 0 && g_ascii_isdigit(text[start - 1]))
      start--;
    if (start == 0 || text[start - 1] == '\n')
      return NO_BOUNDARY;
    if (at - start <= 2)
      return month_follows(self, next);
  }
  return BOUNDARY;
}

static gsize
find_prefix(const gchar *text, const gchar *const *list, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (g_str_has_prefix(text, list[i]))
      return strlen(list[i]);
  }
  return 0;
}

static guint
count_words(const gchar *text, gsize length)
{
  gboolean inside = FALSE;
  guint count = 0;

  for (gsize i = 0; i < length; i++) {
    gboolean space = g_ascii_isspace(text[i]);

    count += !space && !inside;
    inside = !space;
  }
  return count;
}

static Boundary
clause_ends(CordTextCutter *self, gsize at, gsize *after)
{
  const gchar *text = self->raw->str;

  *after = at + 1;
  if (text[at + 1] == '\0')
    return self->finished ? BOUNDARY : UNCERTAIN;
  if (!g_ascii_isspace(text[at + 1]) || at < CLAUSE_CHARACTERS)
    return NO_BOUNDARY;
  return count_words(text, at) >= CLAUSE_WORDS ? BOUNDARY : NO_BOUNDARY;
}

static Boundary
other_script_ends(CordTextCutter *self, gsize at, gsize *after)
{
  const gchar *text = self->raw->str + at;
  gsize length = find_prefix(text, wide_stops, G_N_ELEMENTS(wide_stops));

  if (length == 0 && self->first && at >= CLAUSE_CHARACTERS)
    length = find_prefix(text, wide_commas, G_N_ELEMENTS(wide_commas));
  *after = at + MAX(length, 1);
  return length > 0 ? BOUNDARY : NO_BOUNDARY;
}

/* A fence of three backticks: the code behind it is for the eye. Returns where the code ends. */
static Boundary
skip_code(CordTextCutter *self, gsize at, gsize *after)
{
  const gchar *end = strstr(self->raw->str + at + 3, "```");

  if (end) {
    g_string_erase(self->raw, (gssize)at, (gssize)(end + 3 - (self->raw->str + at)));
    *after = at;
    return NO_BOUNDARY;
  }
  if (self->finished) {
    g_string_truncate(self->raw, at);
    *after = at;
    return NO_BOUNDARY;
  }
  /* of code without end only the fence is kept, and what may be half of the next one */
  if (self->raw->len > at + MAX_CODE)
    g_string_erase(self->raw, (gssize)at + 3, (gssize)(self->raw->len - at - 5));
  return UNCERTAIN;
}

/* The end of the first piece in the text, or 0 when it is not there yet. */
static gsize
find_cut(CordTextCutter *self)
{
  for (gsize i = 0; i < self->raw->len;) {
    const gchar *text = self->raw->str;
    gsize after = i + 1;
    Boundary boundary = NO_BOUNDARY;

    if (g_str_has_prefix(text + i, "```")) {
      boundary = skip_code(self, i, &after);
    } else if (text[i] == '`' && !self->finished && i + 2 >= self->raw->len) {
      boundary = UNCERTAIN;
    } else if (strchr(".!?", text[i])) {
      boundary = sentence_ends(self, i, &after);
    } else if (text[i] == '\n') {
      boundary = count_words(text, i) > 0 ? BOUNDARY : NO_BOUNDARY;
    } else if (self->first && strchr(",;:", text[i])) {
      boundary = clause_ends(self, i, &after);
    } else if ((guchar)text[i] >= 0x80) {
      boundary = other_script_ends(self, i, &after);
    }
    if (boundary == BOUNDARY)
      return after;
    if (boundary == UNCERTAIN)
      return 0;
    i = after;
    if (i >= MAX_PIECE && self->raw->len >= MAX_PIECE + LOOK_AHEAD) {
      const gchar *space = g_strrstr_len(self->raw->str, MAX_PIECE, " ");

      return space && space > self->raw->str
                 ? (gsize)(space - self->raw->str) + 1
                 : (gsize)(g_utf8_find_prev_char(self->raw->str, self->raw->str + MAX_PIECE) -
                           self->raw->str);
    }
  }
  return self->finished ? self->raw->len : 0;
}

static gboolean
is_for_the_eye(gunichar c)
{
  return c == '*' || c == '`' || c == '#' || c == '~' || c == '|' || c == 0xfe0f || c == 0x200d ||
         c == 0x2022 || c == 0x20e3 || (c >= 0x1f000 && c <= 0x1faff) ||
         (c >= 0x2600 && c <= 0x27bf) || (c >= 0x2b00 && c <= 0x2bff) ||
         (c >= 0xe0000 && c <= 0xe007f) || c == 0xfffd;
}

/* Nobody wants to hear how an address goes on behind its host. */
static gboolean
read_address(const gchar **at, GString *out)
{
  const gchar *host = *at;
  const gchar *end;

  if (g_str_has_prefix(host, "https://") || g_str_has_prefix(host, "http://"))
    host = strstr(host, "//") + 2;
  else if (!g_str_has_prefix(host, "www."))
    return FALSE;
  if (g_str_has_prefix(host, "www."))
    host += 4;
  end = host + strcspn(host, " \t\n/?#:;,)>\"'");
  if (end == host)
    return FALSE;
  g_string_append_len(out, host, end - host);
  *at = end + strcspn(end, " \t\n)>\"'");
  /* what ends the sentence is not the address's */
  while (*at > end && strchr(".,;:!?", (*at)[-1]))
    (*at)--;
  if (out->len > 0 && out->str[out->len - 1] == '.' && *at == end) {
    g_string_truncate(out, out->len - 1);
    (*at)--;
  }
  return TRUE;
}

/* <b> and </b>, but not 1 < 2 */
static gboolean
skip_tag(const gchar **at)
{
  const gchar *p = *at + 1;

  if (*p == '/')
    p++;
  if (!g_ascii_isalpha(*p))
    return FALSE;
  p += strcspn(p, "<>\n");
  if (*p != '>')
    return FALSE;
  *at = p + 1;
  return TRUE;
}

/* [text](address) is its text. */
static gboolean
read_link(const gchar **at, GString *out)
{
  const gchar *close = strchr(*at, ']');
  const gchar *end = close && close[1] == '(' ? strchr(close, ')') : NULL;

  if (end == NULL)
    return FALSE;
  g_string_append_len(out, *at + 1, close - *at - 1);
  *at = end + 1;
  return TRUE;
}

/* What the voice gets of a piece: no marks for the eye, single spaces. */
static gchar *
clean(const gchar *text, gsize length)
{
  g_autofree gchar *valid = g_utf8_make_valid(text, (gssize)length);
  g_autoptr(GString) out = g_string_new(NULL);
  const gchar *p = valid;
  gboolean line_start = TRUE, word_start = TRUE;

  while (*p) {
    gunichar c = g_utf8_get_char(p);

    if (c == '!' && p[1] == '[')
      c = *++p;
    if ((c == '[' && read_link(&p, out)) || (c == '<' && skip_tag(&p)) ||
        ((c == 'h' || c == 'w') && word_start && read_address(&p, out))) {
      word_start = FALSE;
      continue;
    }
    word_start = !g_unichar_isalnum(c);
    p = g_utf8_next_char(p);
    if (c == '_' &&
        (out->len == 0 || g_ascii_isspace(out->str[out->len - 1]) || !g_ascii_isalnum(*p)))
      continue;
    if ((c == '-' || c == '>') && line_start && (*p == ' ' || *p == '\0'))
      continue;
    if (g_unichar_isspace(c)) {
      line_start = line_start || c == '\n';
      if (out->len > 0 && out->str[out->len - 1] != ' ')
        g_string_append_c(out, ' ');
    } else if (!is_for_the_eye(c)) {
      line_start = FALSE;
      g_string_append_unichar(out, c);
    }
  }
  return g_strstrip(g_strdup(out->str));
}

static gboolean
can_be_spoken(const gchar *text)
{
  for (const gchar *p = text; *p; p = g_utf8_next_char(p)) {
    if (g_unichar_isalnum(g_utf8_get_char(p)))
      return TRUE;
  }
  return FALSE;
}

static gchar *
pop_verbatim(CordTextCutter *self)
{
  g_autofree gchar *piece = NULL;

  if (!self->finished || self->raw->len == 0)
    return NULL;
  piece = g_utf8_make_valid(self->raw->str, (gssize)self->raw->len);
  g_string_truncate(self->raw, 0);
  return g_steal_pointer(&piece);
}

/**
 * cord_text_cutter_pop: (skip)
 * @self: a cutter
 *
 * Returns: (transfer full) (nullable): the next piece, without space at its ends, or %NULL when
 * more text is needed
 */
gchar *
cord_text_cutter_pop(CordTextCutter *self)
{
  if (self->verbatim)
    return pop_verbatim(self);
  for (;;) {
    gsize cut = find_cut(self);
    g_autofree gchar *piece = NULL;

    if (cut == 0)
      return NULL;
    piece = clean(self->raw->str, cut);
    g_string_erase(self->raw, 0, (gssize)cut);
    if (can_be_spoken(piece)) {
      self->first = FALSE;
      return g_steal_pointer(&piece);
    }
  }
}
