/* What the SDK's own files share: the exchange, and what it stands on. No handler includes it. */

#ifndef HTTPD_GUEST_EXCHANGE_H
#define HTTPD_GUEST_EXCHANGE_H

#include "httpd_guest.h"

/* A field line, or what a route captured. */
typedef struct {
  httpd_text name, value;
} httpd_pair;

typedef struct {
  httpd_pair *items;
  size_t count, room;
} httpd_pairs;

/* Bytes that grow. */
typedef struct {
  char *data;
  size_t length, room;
} httpd_buffer;

struct httpd_exchange {
  httpd_text method, path, query, scheme, authority, id, client;
  httpd_pairs fields, captures;
  unsigned status;
  httpd_pairs response_fields;
  /* The head is complete, and in the wasi lane under way. */
  bool begun;
  /* The response shall not be taken for a whole one. */
  bool failed;
  /* Memory that goes with the exchange: a list through the first word of each block. */
  void *owned;
  /* What stands below keeps here what it needs. */
  void *below;
};

/* What each of lean.c, wasi.c and testing.c defines. */

/* As httpd_read; a body that breaks off sets `failed`. */
size_t httpd_below_read(httpd_exchange *exchange, void *buffer, size_t size);
/* Begins the response with the exchange's status and fields; false when the client is gone. */
bool httpd_below_begin(httpd_exchange *exchange);
/* As httpd_write, after the begin. */
bool httpd_below_write(httpd_exchange *exchange, const void *data, size_t length);
/* Writes a line. */
void httpd_below_log(httpd_level level, httpd_text line);

/* What they use of httpd_guest.c. */

/* Memory as malloc gives it, or the guest's end. */
void *httpd_allocate(size_t size);
/* Memory that goes with the exchange. */
void *httpd_own(httpd_exchange *exchange, size_t size);
/* A copy that goes with the exchange. */
httpd_text httpd_own_text(httpd_exchange *exchange, const void *data, size_t length);
void httpd_pairs_add(httpd_pairs *pairs, httpd_text name, httpd_text value);
void httpd_buffer_add(httpd_buffer *buffer, const void *data, size_t length);
/* A copy without percent-escapes, and with spaces for pluses if the text is of a form. */
httpd_text httpd_decoded(httpd_exchange *exchange, httpd_text text, bool form);
/* Frees what goes with the exchange. */
void httpd_exchange_end(httpd_exchange *exchange);

#endif
