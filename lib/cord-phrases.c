/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "llm-sorry.h"

#include <string.h>

/* It follows the caller's language, not that of the process: no catalogue of messages has it. */
static const struct {
  const gchar *language;
  const gchar *text;
} sentences[] = {
  { "en", "I am sorry, I did not get that. Could you say it again, please?" },
  { "de",
    "Entschuldigung, das habe ich nicht verstanden. K\xc3\xb6nnen Sie das bitte wiederholen?" },
  { "es", "Lo siento, no le he entendido. \xc2\xbfPuede repetirlo, por favor?" },
  { "fr", "Je suis d\xc3\xa9sol\xc3\xa9, je n'ai pas compris. Pouvez-vous r\xc3\xa9p\xc3\xa9ter, "
          "s'il vous pla\xc3\xaet\x20?" },
  { "it", "Mi dispiace, non ho capito. Pu\xc3\xb2 ripetere, per favore?" },
  { "nl", "Het spijt me, dat heb ik niet verstaan. Kunt u het herhalen, alstublieft?" },
  { "pl", "Przepraszam, nie zrozumia\xc5\x82"
          "em. Czy mo\xc5\xbc"
          "e pan lub pani powt\xc3\xb3rzy\xc4\x87?" },
  { "pt", "Desculpe, n\xc3\xa3o entendi. Pode repetir, por favor?" },
};

/**
 * llm_sorry_in:
 * @language: (nullable): BCP 47
 *
 * Returns: what is said when no answer is to be had, in @language or else in English
 */
const gchar *
llm_sorry_in(const gchar *language)
{
  gsize length = language ? strcspn(language, "-_") : 0;

  for (guint i = 0; i < G_N_ELEMENTS(sentences); i++) {
    if (length == strlen(sentences[i].language) &&
        g_ascii_strncasecmp(language, sentences[i].language, length) == 0)
      return sentences[i].text;
  }
  return sentences[0].text;
}
