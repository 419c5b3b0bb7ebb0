/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cord-twiml.h"
#include "cord-worker.h"

G_BEGIN_DECLS

#define CORD_PHONE_FRAME 160 /* bytes of mu-law, 20 ms */

typedef struct _CordPhone CordPhone;

/**
 * CordPhoneCall:
 * @url: the voice webhook, or ws:// for a stream that needs none
 * @status_url: (nullable): where to post that the call is over
 * @from: the caller's number
 * @to: the number that is called
 * @auth_token: (nullable): signs the webhook and the stream
 * @account_sid: (nullable): the account; by default one that is made up
 * @call_sid: (nullable): the call's name; by default one that is made up
 * @twiml: (nullable): what to do, in the place of asking @url for it
 * @outbound: the server has placed this call, and we have answered it
 * @fields: (nullable): names and values by turns, %NULL-terminated: what the webhook tells besides
 * @browser: whether it is no telephone but a page in a browser, whose stream @url is
 * @api_key: (nullable): what a browser shows at the door
 * @jitter_ms: how long a browser keeps what it hears before it sends it, at most
 * @phase: at which point of each 20 ms it sends, ns; 0: wherever the stream happens to begin
 *
 * Whom to call. Copied.
 */
typedef struct {
  const gchar *url;
  const gchar *status_url;
  const gchar *from;
  const gchar *to;
  const gchar *auth_token;
  const gchar *account_sid;
  const gchar *call_sid;
  const gchar *twiml;
  gboolean outbound;
  const gchar *const *fields;
  gboolean browser;
  const gchar *api_key;
  guint jitter_ms;
  GstClockTime phase;
} CordPhoneCall;

/**
 * CordPhoneHandlers:
 * @verb: a TwiML instruction other than Connect
 * @started: the stream stands
 * @arrived: audio has come, and will be played
 * @frame: 20 ms have passed: what was sent, what was heard, and how much of that was the agent's
 * @told: a browser was told something of its call, one JSON object
 * @cleared: the agent's audio was thrown away; how many bytes had waited
 * @ended: it is over, once; an error if it failed
 *
 * What the phone tells, on its worker. All but @ended may be %NULL.
 */
typedef struct {
  void (*verb)(CordPhone *phone, const CordTwimlVerb *verb, gpointer data);
  void (*started)(CordPhone *phone, gpointer data);
  void (*arrived)(CordPhone *phone, const guint8 *audio, gsize length, gpointer data);
  void (*frame)(CordPhone *phone, const guint8 *sent, const guint8 *heard, gsize heard_length,
                gpointer data);
  void (*told)(CordPhone *phone, const gchar *json, gpointer data);
  void (*cleared)(CordPhone *phone, gsize bytes, gpointer data);
  void (*ended)(CordPhone *phone, const GError *error, gpointer data);
} CordPhoneHandlers;

CordPhone *cord_phone_new(CordWorker *worker, const CordPhoneCall *call,
                          const CordPhoneHandlers *handlers, gpointer data);
void cord_phone_free(CordPhone *self);
void cord_phone_dial(CordPhone *self);
void cord_phone_speak(CordPhone *self, GBytes *mulaw);
gboolean cord_phone_is_speaking(CordPhone *self);
gboolean cord_phone_press(CordPhone *self, gchar digit);
void cord_phone_hang_up(CordPhone *self);

const gchar *cord_phone_get_call_sid(CordPhone *self);
gsize cord_phone_get_queued(CordPhone *self);
guint cord_phone_get_pending_marks(CordPhone *self);

G_END_DECLS
