/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cord-vault.h"

#include <gcrypt.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cord-secret.h"

#define VERSION "v1"
#define KEY_SIZE 32
#define NONCE_SIZE 12 /* as NIST SP 800-38D recommends */
#define TAG_SIZE 16
#define NAME_SIZE 8 /* hexadecimal digits by which a key is named */
#define MAX_SECRET 65536
#define CREDENTIAL "cordboard-key" /* as systemd's LoadCredential= names it */

/* by hand: clang-format takes the name of G_DEFINE_QUARK for a difference */
GQuark
cord_vault_error_quark(void)
{
  return g_quark_from_static_string("cord-vault-error-quark");
}

typedef struct {
  guint8 bytes[KEY_SIZE];
  gchar name[NAME_SIZE + 1];
} Key;

struct _CordVault {
  GArray *keys; /* Key; the first one seals */
};

static void
wipe(gpointer bytes, gsize size)
{
  explicit_bzero(bytes, size);
}

/* 64 hexadecimal digits, or 32 bytes in base 64. */
static gboolean
read_key(const gchar *text, Key *key)
{
  g_autofree gchar *sum = NULL;

  if (strlen(text) == 2 * KEY_SIZE && strspn(text, "0123456789abcdefABCDEF") == 2 * KEY_SIZE) {
    for (guint i = 0; i < KEY_SIZE; i++)
      key->bytes[i] =
          (guint8)(g_ascii_xdigit_value(text[2 * i]) << 4 | g_ascii_xdigit_value(text[2 * i + 1]));
  } else {
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    gboolean fits = size == KEY_SIZE;

    if (fits)
      memcpy(key->bytes, bytes, KEY_SIZE);
    wipe(bytes, size);
    if (!fits)
      return FALSE;
  }
  sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, key->bytes, KEY_SIZE);
  g_strlcpy(key->name, sum, sizeof key->name);
  return TRUE;
}

/**
 * cord_vault_new:
 * @keys: keys, the newest first, separated by white space; lines that begin with # are passed over
 * @error: return location for an error
 *
 * Returns: (transfer full): a vault
 */
CordVault *
cord_vault_new(const gchar *keys, GError **error)
{
  g_autoptr(CordVault) self = g_new0(CordVault, 1);
  g_auto(GStrv) lines = g_strsplit_set(keys, "\r\n", -1);

  gcry_check_version(NULL);
  self->keys = g_array_new(FALSE, FALSE, sizeof(Key));
  for (gchar **line = lines; *line; line++) {
    g_auto(GStrv) words = NULL;

    if (*g_strstrip(*line) == '#')
      continue;
    words = g_strsplit_set(*line, " \t,", -1);
    for (gchar **word = words; *word; word++) {
      Key key;

      if (**word == '\0')
        continue;
      if (!read_key(*word, &key)) {
        g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY,
                    "a key of the vault is 64 hexadecimal digits; make one with "
                    "\"openssl rand -hex 32\"");
        return NULL;
      }
      g_array_append_val(self->keys, key);
      wipe(&key, sizeof key);
    }
  }
  if (self->keys->len > 0)
    return g_steal_pointer(&self);
  g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY, "the vault has no key");
  return NULL;
}

/**
 * cord_vault_new_key:
 *
 * Returns: (transfer full): a new key, as cord_vault_new() reads it
 */
gchar *
cord_vault_new_key(void)
{
  return cord_secret_new(KEY_SIZE);
}

static gchar *
credential_path(void)
{
  const gchar *dir = g_getenv("CREDENTIALS_DIRECTORY");
  g_autofree gchar *path = dir ? g_build_filename(dir, CREDENTIAL, NULL) : NULL;

  return path && g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
}

static gboolean
make_file(const gchar *path, GError **error)
{
  g_autofree gchar *key = cord_vault_new_key();
  g_autofree gchar *text = g_strconcat("# Cordboard's key; without it stored credentials cannot be "
                                       "read\n",
                                       key, "\n", NULL);

  return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* Others must not be able to read it; a mistake that nobody would notice. */
static gboolean
check_mode(const gchar *path, GError **error)
{
  struct stat status;

  if (stat(path, &status) == 0 && (status.st_mode & 077) != 0 && getuid() == status.st_uid) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY,
                "others can read the vault's key in %s: chmod 600 %s", path, path);
    return FALSE;
  }
  return TRUE;
}

/**
 * cord_vault_open:
 * @keys: (nullable): keys from the settings
 * @file: (nullable): a file with keys
 * @fallback: the file that is used when there is nothing else, made when it is missing
 * @error: return location for an error
 *
 * Finds the keys: given, in a file, as systemd's credential "cordboard-key", or in a file of our
 * own.
 *
 * Returns: (transfer full): the vault
 */
CordVault *
cord_vault_open(const gchar *keys, const gchar *file, const gchar *fallback, GError **error)
{
  g_autofree gchar *credential = credential_path();
  const gchar *path = file && *file ? file : credential ? credential : fallback;
  g_autofree gchar *text = NULL;

  if (keys && *keys)
    return cord_vault_new(keys, error);
  if (path == fallback && !g_file_test(path, G_FILE_TEST_EXISTS) && !make_file(path, error))
    return NULL;
  if (!check_mode(path, error) || !g_file_get_contents(path, &text, NULL, error))
    return NULL;
  return cord_vault_new(text, error);
}

/**
 * cord_vault_free:
 * @self: (transfer full): a vault
 */
void
cord_vault_free(CordVault *self)
{
  if (self->keys) {
    wipe(self->keys->data, self->keys->len * sizeof(Key));
    g_array_unref(self->keys);
  }
  g_free(self);
}

static gcry_cipher_hd_t
open_cipher(const Key *key, const guint8 *nonce, const gchar *purpose)
{
  gcry_cipher_hd_t cipher;

  if (gcry_cipher_open(&cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 0) != 0)
    return NULL;
  if (gcry_cipher_setkey(cipher, key->bytes, KEY_SIZE) != 0 ||
      gcry_cipher_setiv(cipher, nonce, NONCE_SIZE) != 0 ||
      gcry_cipher_authenticate(cipher, purpose, strlen(purpose)) != 0)
    g_clear_pointer(&cipher, gcry_cipher_close);
  return cipher;
}

/**
 * cord_vault_seal:
 * @self: a vault
 * @purpose: what the secret is and whose; it opens for the same purpose alone
 * @secret: the secret
 * @error: return location for an error
 *
 * Returns: (transfer full): what may be kept anywhere
 */
gchar *
cord_vault_seal(CordVault *self, const gchar *purpose, const gchar *secret, GError **error)
{
  const Key *key = &g_array_index(self->keys, Key, 0);
  gsize length = strlen(secret);
  gsize size = NONCE_SIZE + length + TAG_SIZE;
  g_autofree guint8 *bytes = g_malloc(size);
  g_autofree gchar *text = NULL;
  gcry_cipher_hd_t cipher = NULL;
  gboolean ok;

  ok = length <= MAX_SECRET && getrandom(bytes, NONCE_SIZE, 0) == NONCE_SIZE &&
       (cipher = open_cipher(key, bytes, purpose)) != NULL &&
       gcry_cipher_encrypt(cipher, bytes + NONCE_SIZE, length, secret, length) == 0 &&
       gcry_cipher_gettag(cipher, bytes + NONCE_SIZE + length, TAG_SIZE) == 0;
  g_clear_pointer(&cipher, gcry_cipher_close);
  if (!ok) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY, "the secret could not be sealed");
    return NULL;
  }
  text = g_base64_encode(bytes, size);
  return g_strdup_printf(VERSION ":%s:%s", key->name, text);
}

static const Key *
find_key(CordVault *self, const gchar *name)
{
  for (guint i = 0; i < self->keys->len; i++) {
    const Key *key = &g_array_index(self->keys, Key, i);

    if (g_str_equal(key->name, name))
      return key;
  }
  return NULL;
}

static gchar *
unseal(const Key *key, const gchar *purpose, const guint8 *bytes, gsize size)
{
  gsize length = size - NONCE_SIZE - TAG_SIZE;
  g_autofree gchar *secret = g_malloc0(length + 1);
  gcry_cipher_hd_t cipher = open_cipher(key, bytes, purpose);
  gboolean ok;

  ok = cipher && gcry_cipher_decrypt(cipher, secret, length, bytes + NONCE_SIZE, length) == 0 &&
       gcry_cipher_checktag(cipher, bytes + NONCE_SIZE + length, TAG_SIZE) == 0;
  g_clear_pointer(&cipher, gcry_cipher_close);
  return ok ? g_steal_pointer(&secret) : NULL;
}

/**
 * cord_vault_unseal:
 * @self: a vault
 * @purpose: for what it was sealed
 * @sealed: what cord_vault_seal() gave
 * @error: return location for an error
 *
 * Returns: (transfer full): the secret
 */
gchar *
cord_vault_unseal(CordVault *self, const gchar *purpose, const gchar *sealed, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(sealed, ":", 3);
  g_autofree guchar *bytes = NULL;
  const Key *key;
  gchar *secret;
  gsize size = 0;

  if (g_strv_length(parts) == 3 && g_str_equal(parts[0], VERSION))
    bytes = g_base64_decode(parts[2], &size);
  if (size < NONCE_SIZE + TAG_SIZE || size > NONCE_SIZE + TAG_SIZE + MAX_SECRET) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED, "this was not sealed here");
    return NULL;
  }
  key = find_key(self, parts[1]);
  if (!key) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED,
                "this was sealed with the key %s, which the vault does not have", parts[1]);
    return NULL;
  }
  secret = unseal(key, purpose, bytes, size);
  if (!secret)
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED,
                "what was sealed is damaged, or belongs to something else");
  return secret;
}

/**
 * cord_vault_is_current:
 * @self: a vault
 * @sealed: what cord_vault_seal() gave
 *
 * Returns: whether it was sealed with the key that seals now
 */
gboolean
cord_vault_is_current(CordVault *self, const gchar *sealed)
{
  g_autofree gchar *begin = g_strdup_printf(VERSION ":%s:", g_array_index(self->keys, Key, 0).name);

  return g_str_has_prefix(sealed, begin);
}
