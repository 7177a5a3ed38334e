/* Write a request handler for httpd-host as one function:
 *
 *     #include "httpd_guest.h"
 *
 *     void httpd_handle(httpd_exchange *exchange) {
 *       httpd_respond_text(exchange, 200, "Hello!");
 *     }
 *
 * The request is read from the exchange and the response is written to it. All that these
 * functions return stays until the handler returns, and none of it needs to be freed. Where memory
 * is not to be had the guest stops, and the host answers 500.
 */

#ifndef HTTPD_GUEST_H
#define HTTPD_GUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes, often text, without a zero at their end. What is absent has no data: NULL. */
typedef struct {
  const char *data;
  size_t length;
} httpd_text;

/* A request and its response. */
typedef struct httpd_exchange httpd_exchange;

/* How much a line of the log matters, least first. */
typedef enum {
  HTTPD_TRACE,
  HTTPD_DEBUG,
  HTTPD_INFO,
  HTTPD_WARN,
  HTTPD_ERROR,
} httpd_level;

/* The handler: every guest defines it. A response without a status is a 200. */
void httpd_handle(httpd_exchange *exchange);

/* Text. */

/* A text of a string that ends with a zero; absent for NULL. */
httpd_text httpd_text_of(const char *string);
bool httpd_equal(httpd_text text, const char *string);
bool httpd_ends_with(httpd_text text, const char *end);

/* The request's head. */

/* As sent: methods are case-sensitive. */
httpd_text httpd_method(const httpd_exchange *exchange);
/* Normalised by the host; percent-escapes that matter are kept. */
httpd_text httpd_path(const httpd_exchange *exchange);
/* What follows the first `?` of the target, not decoded; absent without one. */
httpd_text httpd_query(const httpd_exchange *exchange);
/* `http` or `https`. */
httpd_text httpd_scheme(const httpd_exchange *exchange);
/* Host and optional port that the client asked for; absent when it named none. */
httpd_text httpd_authority(const httpd_exchange *exchange);
/* Unique for this request; the same id is in the host's log. */
httpd_text httpd_id(const httpd_exchange *exchange);
/* The peer's address and port. */
httpd_text httpd_client(const httpd_exchange *exchange);
/* The first value of a field, whose name is given in lower case. */
httpd_text httpd_field(const httpd_exchange *exchange, const char *name);
/* What the route's pattern captured under this name, decoded. */
httpd_text httpd_capture(const httpd_exchange *exchange, const char *name);
/* The first value of this name in the query, decoded; absent when there is none. */
httpd_text httpd_query_param(httpd_exchange *exchange, const char *name);

/* The request's body. One that breaks off ends early, and then the response is cut short as well,
 * whatever the handler makes of it. */

/* Reads up to `size` bytes and returns how many; 0 at the end. */
size_t httpd_read(httpd_exchange *exchange, void *buffer, size_t size);
/* All that was not read yet; absent when that is more than `max` bytes or the body breaks off. */
httpd_text httpd_body(httpd_exchange *exchange, size_t max);

/* The response. Its head is complete with the first byte of its body. */

/* 200 to 599; what is said after the head is complete has no effect. */
void httpd_set_status(httpd_exchange *exchange, unsigned status);
/* Adds a field line. The host adds `date` and the framing. */
void httpd_add_field(httpd_exchange *exchange, const char *name, httpd_text value);
/* Appends to the body. In the wasi lane the client has it soon; false says that it is gone, and
 * that nobody needs the rest. */
bool httpd_write(httpd_exchange *exchange, const void *data, size_t length);
/* The three in one: status, content-type, and all of the body. */
void httpd_respond(httpd_exchange *exchange, unsigned status, const char *content_type,
                   httpd_text body);
/* The same for plain text. */
void httpd_respond_text(httpd_exchange *exchange, unsigned status, const char *text);
/* The response is a 500 in place of what was written; if its head is under way, it is cut short
 * so that the client can tell. */
void httpd_fail(httpd_exchange *exchange);

/* Writes a line to the host's log, formatted as by printf, and cut at 1023 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void httpd_log(httpd_level level, const char *format, ...);

#endif
