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
#define HEADER                                                                                     \
  "# Cordboard's keys, the newest first; without them stored credentials cannot be read\n"
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

/* Which state of the file was read. */
typedef struct {
  dev_t device;
  ino_t inode;
  gint64 changed_ns;
  off_t size;
} Stamp;

struct _CordVault {
  gchar *path;  /* NULL: the keys were given */
  GMutex lock;  /* leaf; guards all below */
  GArray *keys; /* Key; the first one seals */
  Stamp stamp;
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

static void
free_keys(GArray *keys)
{
  wipe(keys->data, keys->len * sizeof(Key));
  g_array_unref(keys);
}

static gboolean
add_keys(GArray *keys, const gchar *line, GError **error)
{
  g_auto(GStrv) words = g_strsplit_set(line, " \t,", -1);

  for (gchar **word = words; *word; word++) {
    Key key;

    if (**word == '\0')
      continue;
    if (!read_key(*word, &key)) {
      g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY,
                  "a key of the vault is 64 hexadecimal digits; make one with "
                  "\"openssl rand -hex 32\"");
      return FALSE;
    }
    g_array_append_val(keys, key);
    wipe(&key, sizeof key);
  }
  return TRUE;
}

static GArray *
read_keys(const gchar *text, GError **error)
{
  g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);
  GArray *keys = g_array_sized_new(FALSE, FALSE, sizeof(Key), strlen(text) / KEY_SIZE + 1);
  gboolean ok = TRUE;

  for (gchar **line = lines; *line && ok; line++)
    ok = *g_strstrip(*line) == '#' || add_keys(keys, *line, error);
  if (ok && keys->len == 0)
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY, "the vault has no key");
  if (ok && keys->len > 0)
    return keys;
  free_keys(keys);
  return NULL;
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
  GArray *read = read_keys(keys, error);
  CordVault *self;

  if (!read)
    return NULL;
  gcry_check_version(NULL);
  self = g_new0(CordVault, 1);
  g_mutex_init(&self->lock);
  self->keys = read;
  return self;
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
  g_autofree gchar *text = g_strconcat(HEADER, key, "\n", NULL);

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

static Stamp
get_stamp(const gchar *path)
{
  struct stat status;

  if (stat(path, &status) < 0)
    return (Stamp){ 0 };
  return (Stamp){ status.st_dev, status.st_ino,
                  status.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + status.st_mtim.tv_nsec,
                  status.st_size };
}

static gboolean
same_stamp(const Stamp *a, const Stamp *b)
{
  return a->device == b->device && a->inode == b->inode && a->changed_ns == b->changed_ns &&
         a->size == b->size;
}

static CordVault *
open_file(const gchar *path, GError **error)
{
  Stamp stamp = get_stamp(path);
  g_autofree gchar *text = NULL;
  CordVault *self;
  gsize size;

  if (!check_mode(path, error) || !g_file_get_contents(path, &text, &size, error))
    return NULL;
  self = cord_vault_new(text, error);
  wipe(text, size);
  if (!self) {
    g_prefix_error(error, "%s: ", path);
    return NULL;
  }
  self->path = g_strdup(path);
  self->stamp = stamp;
  return self;
}

/* Takes what was written into the file since it was read: another program has added a key. While it
 * is not there, or no key file, the keys that are known stay good. With the lock held. */
static void
refresh(CordVault *self)
{
  Stamp now = self->path ? get_stamp(self->path) : self->stamp;
  g_autoptr(CordVault) other = NULL;

  if (same_stamp(&now, &self->stamp))
    return;
  other = open_file(self->path, NULL);
  if (!other)
    return;
  self->stamp = other->stamp;
  free_keys(self->keys);
  self->keys = g_steal_pointer(&other->keys);
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

  if (keys && *keys)
    return cord_vault_new(keys, error);
  if (path == fallback && !g_file_test(path, G_FILE_TEST_EXISTS) && !make_file(path, error))
    return NULL;
  return open_file(path, error);
}

/**
 * cord_vault_free:
 * @self: (transfer full): a vault
 */
void
cord_vault_free(CordVault *self)
{
  g_clear_pointer(&self->keys, free_keys);
  g_mutex_clear(&self->lock);
  g_free(self->path);
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

static Key
get_first(CordVault *self)
{
  Key key;

  g_mutex_lock(&self->lock);
  refresh(self);
  key = g_array_index(self->keys, Key, 0);
  g_mutex_unlock(&self->lock);
  return key;
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
  Key key = get_first(self);
  gsize length = strlen(secret);
  gsize size = NONCE_SIZE + length + TAG_SIZE;
  g_autofree guint8 *bytes = g_malloc(size);
  g_autofree gchar *text = NULL;
  gcry_cipher_hd_t cipher = NULL;
  gboolean ok;

  ok = length <= MAX_SECRET && getrandom(bytes, NONCE_SIZE, 0) == NONCE_SIZE &&
       (cipher = open_cipher(&key, bytes, purpose)) != NULL &&
       gcry_cipher_encrypt(cipher, bytes + NONCE_SIZE, length, secret, length) == 0 &&
       gcry_cipher_gettag(cipher, bytes + NONCE_SIZE + length, TAG_SIZE) == 0;
  g_clear_pointer(&cipher, gcry_cipher_close);
  wipe(key.bytes, sizeof key.bytes);
  if (!ok) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY, "the secret could not be sealed");
    return NULL;
  }
  text = g_base64_encode(bytes, size);
  return g_strdup_printf(VERSION ":%s:%s", key.name, text);
}

/* With the lock held. */
static gboolean
look_for_key(CordVault *self, const gchar *name, Key *key)
{
  for (guint i = 0; i < self->keys->len; i++) {
    *key = g_array_index(self->keys, Key, i);
    if (g_str_equal(key->name, name))
      return TRUE;
  }
  wipe(key, sizeof *key);
  return FALSE;
}

static gboolean
find_key(CordVault *self, const gchar *name, Key *key)
{
  gboolean found;

  g_mutex_lock(&self->lock);
  found = look_for_key(self, name, key);
  if (!found) {
    refresh(self);
    found = look_for_key(self, name, key);
  }
  g_mutex_unlock(&self->lock);
  return found;
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
  Key key;
  gchar *secret;
  gsize size = 0;

  if (g_strv_length(parts) == 3 && g_str_equal(parts[0], VERSION))
    bytes = g_base64_decode(parts[2], &size);
  if (size < NONCE_SIZE + TAG_SIZE || size > NONCE_SIZE + TAG_SIZE + MAX_SECRET) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED, "this was not sealed here");
    return NULL;
  }
  if (!find_key(self, parts[1], &key)) {
    g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_SEALED,
                "this was sealed with the key %s, which the vault does not have", parts[1]);
    return NULL;
  }
  secret = unseal(&key, purpose, bytes, size);
  wipe(&key, sizeof key);
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
  Key key = get_first(self);
  g_autofree gchar *begin = g_strdup_printf(VERSION ":%s:", key.name);

  wipe(&key, sizeof key);
  return g_str_has_prefix(sealed, begin);
}

/**
 * cord_vault_get_file:
 * @self: a vault
 *
 * Returns: (transfer none) (nullable): the file its keys are in, %NULL when they were given
 */
const gchar *
cord_vault_get_file(CordVault *self)
{
  return self->path;
}

/**
 * cord_vault_list_keys:
 * @self: a vault
 *
 * Returns: (transfer full): the names of its keys, the one that seals first
 */
GStrv
cord_vault_list_keys(CordVault *self)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();

  g_mutex_lock(&self->lock);
  refresh(self);
  for (guint i = 0; i < self->keys->len; i++)
    g_strv_builder_add(names, g_array_index(self->keys, Key, i).name);
  g_mutex_unlock(&self->lock);
  return g_strv_builder_end(names);
}

/* Writes the first @n_keep keys anew, behind another one. With the lock held. */
static gboolean
write_file(CordVault *self, const gchar *new_key, guint n_keep, GError **error)
{
  g_autoptr(GString) text = g_string_new(HEADER);
  gboolean ok;

  if (new_key)
    g_string_append_printf(text, "%s\n", new_key);
  for (guint i = 0; i < MIN(n_keep, self->keys->len); i++) {
    const Key *key = &g_array_index(self->keys, Key, i);

    for (guint j = 0; j < KEY_SIZE; j++)
      g_string_append_printf(text, "%02x", key->bytes[j]);
    g_string_append_c(text, '\n');
  }
  ok = g_file_set_contents_full(self->path, text->str, (gssize)text->len,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                error);
  wipe(text->str, text->len);
  if (ok)
    refresh(self);
  return ok;
}

static gboolean
check_file(CordVault *self, GError **error)
{
  if (self->path)
    return TRUE;
  g_set_error(error, CORD_VAULT_ERROR, CORD_VAULT_ERROR_KEY,
              "the vault's keys are not in a file that could be written");
  return FALSE;
}

/**
 * cord_vault_add_key:
 * @self: a vault with a file
 * @error: return location for an error
 *
 * Makes a new key, that seals from now on, and puts it in front of the others in the file. Other
 * processes that have the vault take it from there when they need it.
 *
 * Returns: whether it is there
 */
gboolean
cord_vault_add_key(CordVault *self, GError **error)
{
  g_autofree gchar *key = cord_vault_new_key();
  gboolean ok;

  if (!check_file(self, error))
    return FALSE;
  g_mutex_lock(&self->lock);
  refresh(self);
  ok = write_file(self, key, G_MAXUINT, error);
  g_mutex_unlock(&self->lock);
  wipe(key, strlen(key));
  return ok;
}

/**
 * cord_vault_forget_old:
 * @self: a vault with a file
 * @error: return location for an error
 *
 * Removes all keys but the one that seals. What was sealed with them is lost.
 *
 * Returns: whether they are gone
 */
gboolean
cord_vault_forget_old(CordVault *self, GError **error)
{
  gboolean ok;

  if (!check_file(self, error))
    return FALSE;
  g_mutex_lock(&self->lock);
  refresh(self);
  ok = write_file(self, NULL, 1, error);
  g_mutex_unlock(&self->lock);
  return ok;
}
