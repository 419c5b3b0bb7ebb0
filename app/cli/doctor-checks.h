/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-check.h"

G_BEGIN_DECLS

/* What only a command may do: wait, compute and open what a server would. */
void doctor_check_store(GPtrArray *checks, CordConfig *config, GPtrArray **agents);
void doctor_check_audio(GPtrArray *checks);
void doctor_check_port(GPtrArray *checks, CordConfig *config);
void doctor_check_public(GPtrArray *checks, CordConfig *config);

G_END_DECLS
