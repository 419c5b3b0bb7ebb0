/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every element of ours through every change of state, as GStreamer's generic/states does. */
#include <gst/gst.h>

#include "cordboard.h"

#define PACKAGE_OF_OURS "Cordboard"
#define REPEATS 3
#define RANDOM_STEPS 40

static const GstState up[] = { GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
                               GST_STATE_NULL };
static const GstState down[] = { GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY,
                                 GST_STATE_NULL };

static void
go(GstElement *element, GstState state)
{
  const GstStateChangeReturn ret = gst_element_set_state(element, state);

  if (ret == GST_STATE_CHANGE_FAILURE)
    g_error("%s does not go to %s", GST_OBJECT_NAME(element), gst_element_state_get_name(state));
}

static void
go_all(GstElement *element, const GstState *states, guint n)
{
  for (guint i = 0; i < n; i++)
    go(element, states[i]);
}

static void
go_anywhere(GstElement *element, guint32 seed)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

  for (guint i = 0; i < RANDOM_STEPS; i++)
    go(element, (GstState)g_rand_int_range(rand, GST_STATE_NULL, GST_STATE_PLAYING + 1));
  go(element, GST_STATE_NULL);
}

static GstElement *
make_element(GstElementFactory *factory, CordWorker *worker)
{
  GstElement *element = gst_element_factory_create(factory, NULL);

  g_assert_nonnull(element);
  gst_object_ref_sink(element);
  /* any free port, so that tests do not meet */
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "port"))
    g_object_set(element, "port", 0, NULL);
  /* nobody is there, which is no reason not to start; without a key there would be one */
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "base-url"))
    g_object_set(element, "base-url", "http://127.0.0.1:9", NULL);
  if (worker) {
    GstContext *context = cord_worker_to_gst_context(worker);

    gst_element_set_context(element, context);
    gst_context_unref(context);
  }
  return element;
}

static void
check_element(GstElementFactory *factory, CordWorker *worker)
{
  for (guint i = 0; i < REPEATS; i++) {
    GstElement *element = make_element(factory, worker);

    go_all(element, up, G_N_ELEMENTS(up));
    go_all(element, down, G_N_ELEMENTS(down));
    go_anywhere(element, i);
    gst_object_unref(element);
  }
}

static void
test_on_a_worker_of_its_own(gconstpointer data)
{
  check_element(GST_ELEMENT_FACTORY(data), NULL);
}

static void
test_on_a_shared_worker(gconstpointer data)
{
  g_autoptr(CordWorker) worker = cord_worker_acquire("states");

  check_element(GST_ELEMENT_FACTORY(data), worker);
}

static void
test_without_a_thread(gconstpointer data)
{
  g_autoptr(CordWorker) worker = cord_worker_new_manual();

  check_element(GST_ELEMENT_FACTORY(data), worker);
  cord_worker_iterate(worker);
}

static void
add_tests(GstElementFactory *factory)
{
  const gchar *name = GST_OBJECT_NAME(factory);
  g_autofree gchar *own = g_strdup_printf("/states/%s on a worker of its own", name);
  g_autofree gchar *shared = g_strdup_printf("/states/%s on a shared worker", name);
  g_autofree gchar *manual = g_strdup_printf("/states/%s on a thread's own worker", name);

  g_test_add_data_func(own, factory, test_on_a_worker_of_its_own);
  g_test_add_data_func(shared, factory, test_on_a_shared_worker);
  g_test_add_data_func(manual, factory, test_without_a_thread);
}

static gboolean
is_ours(GstPluginFeature *feature, gpointer data)
{
  GstPlugin *plugin;
  gboolean ours;

  if (!GST_IS_ELEMENT_FACTORY(feature))
    return FALSE;
  plugin = gst_plugin_feature_get_plugin(feature);
  ours = plugin && g_strcmp0(gst_plugin_get_package(plugin), PACKAGE_OF_OURS) == 0;
  gst_clear_object(&plugin);
  return ours;
}

static void
test_there_are_elements(gconstpointer data)
{
  g_assert_nonnull(data);
}

int
main(int argc, char **argv)
{
  GList *factories;
  int result;

  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  factories = gst_registry_feature_filter(gst_registry_get(), is_ours, FALSE, NULL);
  g_test_add_data_func("/states/there are elements of ours", factories, test_there_are_elements);
  for (GList *l = factories; l; l = l->next)
    add_tests(l->data);
  result = g_test_run();
  gst_plugin_feature_list_free(factories);
  gst_deinit();
  return result;
}
