/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A conversation in which some is answered by recordings. */
#include <glib/gstdio.h>
#include <string.h>

#include "talk-rig.h"

#define SCRIPT                                                                                     \
  "{\"token_delay_ms\":0,\"rules\":["                                                              \
  "{\"patterns\":[\"hours\"],\"replies\":[\"We are open.\"]}"                                      \
  "],\"fallback\":[\"What was that?\"]}"

#define SAYS "It costs ten dollars and no cents at all."
#define FRAME 160 /* bytes: 20 ms */
#define FRAMES 100
#define ENOUGH 240 /* ms of speech that interrupt */

static void
write_file(const gchar *dir, const gchar *name, gconstpointer data, gsize size)
{
  g_autofree gchar *path = g_build_filename(dir, name, NULL);

  g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
}

/* The recording is letters P. */
static void
setup(TalkRig *f, gconstpointer data)
{
  g_autofree gchar *clip = g_strnfill(FRAMES * FRAME, 'P');

  f->routes = g_dir_make_tmp("routed-talk-XXXXXX", NULL);
  write_file(f->routes, "pricing.mulaw", clip, FRAMES * FRAME);
  write_file(f->routes, "pricing.txt", SAYS, strlen(SAYS));
  talk_rig_setup(f, data);
  talk_rig_pass(f, 1000);
  talk_rig_assert_heard(f, "0'Hello, friend.'; ");
}

static void
teardown(TalkRig *f, gconstpointer data)
{
  g_autofree gchar *clip = g_build_filename(f->routes, "pricing.mulaw", NULL);
  g_autofree gchar *text = g_build_filename(f->routes, "pricing.txt", NULL);

  talk_rig_teardown(f, data);
  g_remove(clip);
  g_remove(text);
  g_rmdir(f->routes);
  g_free(f->routes);
}

static void
test_answered(TalkRig *f, gconstpointer data)
{
  g_string_truncate(f->voice.asked, 0);
  talk_rig_say(f, "how much is it");
  talk_rig_pass(f, 3000);
  g_assert_cmpuint(talk_rig_count(f, 'P'), ==, FRAMES);
  g_assert_null(strstr(f->voice.asked->str, "speak"));
  talk_rig_assert_heard(f, "1'" SAYS "'; ");
  /* and the conversation goes on */
  talk_rig_say(f, "hours");
  talk_rig_pass(f, 2000);
  talk_rig_assert_heard(f, "2'We are open.'; ");
}

/* The caller cuts in: what follows of the recording is neither sent nor known to have been said. */
static void
test_interrupted(TalkRig *f, gconstpointer data)
{
  guint heard;

  talk_rig_say(f, "how much is it");
  talk_rig_pass(f, 760);
  talk_rig_start_speech(f);
  talk_rig_speak(f, ENOUGH);
  g_assert_cmpuint(f->n_clears, ==, 1);
  heard = talk_rig_count(f, 'P');
  g_assert_cmpuint(heard, >, 10);
  g_assert_cmpuint(heard, <, FRAMES);
  talk_rig_stop_speech(f, "hours");
  talk_rig_pass(f, 2000);
  g_assert_cmpuint(talk_rig_count(f, 'P'), ==, heard);
  g_assert_true(g_str_has_prefix(f->heard->str, "1'It costs"));
  g_assert_nonnull(strstr(f->heard->str, " of '" SAYS "'; 2'We are open.'; "));
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
#define ADD(name, func) g_test_add("/routed-talk/" name, TalkRig, SCRIPT, setup, func, teardown)
  ADD("a recording answers, and no model", test_answered);
  ADD("who is interrupted in a recording has said a part of it", test_interrupted);
  return g_test_run();
}
