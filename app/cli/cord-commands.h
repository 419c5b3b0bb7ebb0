/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Exit codes of all commands */
#define CORD_EXIT_OK 0
#define CORD_EXIT_FAILED 1
#define CORD_EXIT_USAGE 2

/* One file a command; argv[0] is its name */
int cord_cmd_serve(int argc, char *argv[]);
int cord_cmd_call(int argc, char *argv[]);
int cord_cmd_chat(int argc, char *argv[]);
int cord_cmd_doctor(int argc, char *argv[]);
int cord_cmd_keys(int argc, char *argv[]);
int cord_cmd_config(int argc, char *argv[]);
int cord_cmd_db(int argc, char *argv[]);
int cord_cmd_routes(int argc, char *argv[]);

G_END_DECLS
