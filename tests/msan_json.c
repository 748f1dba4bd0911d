/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson in a build with MemorySanitizer, which did not see how jansson is
 * built: what jansson itself does with libc is not checked (ld --wrap), and
 * what it puts on the heap counts as initialised, also where a text stood
 * before that it copied. libmikey has no heap.
 */
#include <jansson.h>
#include <sanitizer/msan_interface.h>
#include <string.h>

const char *__msan_default_options(void);
const char *__msan_default_options(void)
{
    return "poison_in_malloc=0:poison_in_free=0";
}

#define WRAPPED(name, params, args)                                            \
    json_t *__real_##name params;                                              \
    json_t *__wrap_##name params;                                              \
    json_t *__wrap_##name params                                               \
    {                                                                          \
        __msan_scoped_disable_interceptor_checks();                            \
        json_t *json = __real_##name args;                                     \
        __msan_scoped_enable_interceptor_checks();                             \
        if (json)                                                              \
            __msan_unpoison(json, sizeof *json);                               \
        return json;                                                           \
    }

WRAPPED(json_load_file, (const char *path, size_t flags, json_error_t *error),
        (path, flags, error))
WRAPPED(json_loadb,
        (const char *buf, size_t n, size_t flags, json_error_t *error),
        (buf, n, flags, error))
WRAPPED(json_object_get, (const json_t *object, const char *key), (object, key))

const char *__real_json_string_value(const json_t *json);
const char *__wrap_json_string_value(const json_t *json);
const char *__wrap_json_string_value(const json_t *json)
{
    const char *text = __real_json_string_value(json);
    if (text)
        __msan_unpoison(text, json_string_length(json) + 1);
    return text;
}

const char *__real_json_object_iter_key(void *iter);
const char *__wrap_json_object_iter_key(void *iter);
const char *__wrap_json_object_iter_key(void *iter)
{
    const char *key = __real_json_object_iter_key(iter);
    if (key) {
        __msan_scoped_disable_interceptor_checks();
        __msan_unpoison(key, strlen(key) + 1);
        __msan_scoped_enable_interceptor_checks();
    }
    return key;
}
