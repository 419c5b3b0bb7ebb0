/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-phrases.h"

#include <string.h>

/* It follows the caller's language, not that of the process: no catalogue of messages has it. */
static const struct {
  const gchar *language;
  const gchar *texts[2]; /* by CordPhrase */
} phrases[] = {
  { "en",
    { "I am sorry, I did not get that. Could you say it again, please?", "Are you still there?" } },
  { "de",
    { "Entschuldigung, das habe ich nicht verstanden. K\xc3\xb6nnen Sie das bitte wiederholen?",
      "Sind Sie noch da?" } },
  { "es",
    { "Lo siento, no le he entendido. \xc2\xbfPuede repetirlo, por favor?",
      "\xc2\xbfSigue ah\xc3\xad?" } },
  { "fr",
    { "Je suis d\xc3\xa9sol\xc3\xa9, je n'ai pas compris. Pouvez-vous r\xc3\xa9p\xc3\xa9ter, "
      "s'il vous pla\xc3\xaet\x20?",
      "Vous \xc3\xaates toujours l\xc3\xa0\x20?" } },
  { "it",
    { "Mi dispiace, non ho capito. Pu\xc3\xb2 ripetere, per favore?",
      "\xc3\x88 ancora in linea?" } },
  { "nl",
    { "Het spijt me, dat heb ik niet verstaan. Kunt u het herhalen, alstublieft?",
      "Bent u er nog?" } },
  { "pl",
    { "Przepraszam, nie zrozumia\xc5\x82"
      "em. Czy mo\xc5\xbc"
      "e pan lub pani powt\xc3\xb3rzy\xc4\x87?",
      "Czy nadal pan lub pani tam jest?" } },
  { "pt",
    { "Desculpe, n\xc3\xa3o entendi. Pode repetir, por favor?", "Ainda est\xc3\xa1 a\xc3\xad?" } },
};

/**
 * cord_phrase_in:
 * @phrase: what is to be said
 * @language: (nullable): BCP 47
 *
 * Returns: it, in @language or else in English
 */
const gchar *
cord_phrase_in(CordPhrase phrase, const gchar *language)
{
  gsize length = language ? strcspn(language, "-_") : 0;

  for (guint i = 0; i < G_N_ELEMENTS(phrases); i++) {
    if (length == strlen(phrases[i].language) &&
        g_ascii_strncasecmp(language, phrases[i].language, length) == 0)
      return phrases[i].texts[phrase];
  }
  return phrases[0].texts[phrase];
}
