/* What is the same in every lane and in a test. Nothing here knows WebAssembly. */

#include "exchange.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

httpd_text httpd_text_of(const char *string) {
  return (httpd_text){string, string ? strlen(string) : 0};
}

bool httpd_equal(httpd_text text, const char *string) {
  size_t length = strlen(string);
  return text.data && text.length == length && !memcmp(text.data, string, length);
}

bool httpd_ends_with(httpd_text text, const char *end) {
  size_t length = strlen(end);
  return text.data && text.length >= length &&
         !memcmp(text.data + text.length - length, end, length);
}

httpd_text httpd_method(const httpd_exchange *exchange) { return exchange->method; }
httpd_text httpd_path(const httpd_exchange *exchange) { return exchange->path; }
httpd_text httpd_query(const httpd_exchange *exchange) { return exchange->query; }
httpd_text httpd_scheme(const httpd_exchange *exchange) { return exchange->scheme; }
httpd_text httpd_authority(const httpd_exchange *exchange) { return exchange->authority; }
httpd_text httpd_id(const httpd_exchange *exchange) { return exchange->id; }
httpd_text httpd_client(const httpd_exchange *exchange) { return exchange->client; }

static httpd_text find(const httpd_pairs *pairs, const char *name) {
  for (size_t i = 0; i < pairs->count; i++)
    if (httpd_equal(pairs->items[i].name, name)) return pairs->items[i].value;
  return (httpd_text){NULL, 0};
}

httpd_text httpd_field(const httpd_exchange *exchange, const char *name) {
  return find(&exchange->fields, name);
}

httpd_text httpd_capture(const httpd_exchange *exchange, const char *name) {
  return find(&exchange->captures, name);
}

/* The text up to a byte, or all of it; `rest` begins behind that byte, and is absent without. */
static httpd_text cut(httpd_text text, char at, httpd_text *rest) {
  const char *found = text.length ? memchr(text.data, at, text.length) : NULL;
  *rest = (httpd_text){NULL, 0};
  if (!found) return text;
  size_t length = (size_t)(found - text.data);
  *rest = (httpd_text){found + 1, text.length - length - 1};
  return (httpd_text){text.data, length};
}

httpd_text httpd_query_param(httpd_exchange *exchange, const char *name) {
  httpd_text rest = exchange->query;
  while (rest.data) {
    httpd_text value;
    httpd_text given = cut(cut(rest, '&', &rest), '=', &value);
    if (!given.length && !value.data) continue;
    if (!httpd_equal(httpd_decoded(exchange, given, true), name)) continue;
    return httpd_decoded(exchange, value.data ? value : httpd_text_of(""), true);
  }
  return (httpd_text){NULL, 0};
}

size_t httpd_read(httpd_exchange *exchange, void *buffer, size_t size) {
  return size && !exchange->failed ? httpd_below_read(exchange, buffer, size) : 0;
}

httpd_text httpd_body(httpd_exchange *exchange, size_t max) {
  char piece[4096];
  size_t length;
  httpd_buffer body = {0};
  while ((length = httpd_read(exchange, piece, sizeof piece)) && body.length <= max)
    httpd_buffer_add(&body, piece, length);
  httpd_text whole = {NULL, 0};
  if (!exchange->failed && body.length <= max)
    whole = httpd_own_text(exchange, body.data, body.length);
  free(body.data);
  return whole;
}

void httpd_set_status(httpd_exchange *exchange, unsigned status) { exchange->status = status; }

void httpd_add_field(httpd_exchange *exchange, const char *name, httpd_text value) {
  httpd_text own_name = httpd_own_text(exchange, name, strlen(name));
  httpd_text own_value = httpd_own_text(exchange, value.data, value.length);
  httpd_pairs_add(&exchange->response_fields, own_name, own_value);
}

bool httpd_write(httpd_exchange *exchange, const void *data, size_t length) {
  if (exchange->failed) return false;
  if (!exchange->begun) {
    exchange->begun = true;
    if (!httpd_below_begin(exchange)) return false;
  }
  return !length || httpd_below_write(exchange, data, length);
}

void httpd_respond(httpd_exchange *exchange, unsigned status, const char *content_type,
                   httpd_text body) {
  httpd_set_status(exchange, status);
  httpd_add_field(exchange, "content-type", httpd_text_of(content_type));
  httpd_write(exchange, body.data, body.length);
}

void httpd_respond_text(httpd_exchange *exchange, unsigned status, const char *text) {
  httpd_respond(exchange, status, "text/plain; charset=utf-8", httpd_text_of(text));
}

void httpd_fail(httpd_exchange *exchange) { exchange->failed = true; }

/* How many bytes of a text that was cut are whole characters of UTF-8. */
static size_t whole_characters(const char *text, size_t length) {
  size_t start = length;
  while (start && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
  if (!start) return length;
  unsigned char first = (unsigned char)text[start - 1];
  size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return length - (start - 1) < wanted ? start - 1 : length;
}

void httpd_log(httpd_level level, const char *format, ...) {
  char line[1024];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (length < 0) return;
  size_t written = (size_t)length;
  if (written >= sizeof line) written = whole_characters(line, sizeof line - 1);
  httpd_below_log(level, (httpd_text){line, written});
}

void *httpd_allocate(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}

void *httpd_own(httpd_exchange *exchange, size_t size) {
  void **block = httpd_allocate(sizeof(max_align_t) + size);
  *block = exchange->owned;
  exchange->owned = block;
  return (char *)block + sizeof(max_align_t);
}

httpd_text httpd_own_text(httpd_exchange *exchange, const void *data, size_t length) {
  char *copy = httpd_own(exchange, length);
  if (length) memcpy(copy, data, length);
  return (httpd_text){copy, length};
}

/* Room for one more of something, doubling. */
static void *grown(void *items, size_t wanted, size_t *room, size_t size) {
  if (wanted <= *room) return items;
  size_t more = *room > wanted / 2 ? *room * 2 : wanted + 8;
  if (more > SIZE_MAX / 2 / size) abort();
  void *moved = realloc(items, more * size);
  if (!moved) abort();
  *room = more;
  return moved;
}

void httpd_pairs_add(httpd_pairs *pairs, httpd_text name, httpd_text value) {
  pairs->items = grown(pairs->items, pairs->count + 1, &pairs->room, sizeof *pairs->items);
  pairs->items[pairs->count++] = (httpd_pair){name, value};
}

void httpd_buffer_add(httpd_buffer *buffer, const void *data, size_t length) {
  if (!length) return;
  if (buffer->length > SIZE_MAX - length) abort();
  buffer->data = grown(buffer->data, buffer->length + length, &buffer->room, 1);
  memcpy(buffer->data + buffer->length, data, length);
  buffer->length += length;
}

static int digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/* What is no escape stays as it is. */
httpd_text httpd_decoded(httpd_exchange *exchange, httpd_text text, bool form) {
  char *out = httpd_own(exchange, text.length);
  size_t length = 0;
  for (size_t at = 0; at < text.length; at++) {
    char byte = text.data[at];
    bool escape = byte == '%' && text.length - at > 2 && digit(text.data[at + 1]) >= 0 &&
                  digit(text.data[at + 2]) >= 0;
    if (escape) {
      out[length++] = (char)(digit(text.data[at + 1]) * 16 + digit(text.data[at + 2]));
      at += 2;
    } else {
      out[length++] = form && byte == '+' ? ' ' : byte;
    }
  }
  return (httpd_text){out, length};
}

void httpd_exchange_end(httpd_exchange *exchange) {
  free(exchange->fields.items);
  free(exchange->captures.items);
  free(exchange->response_fields.items);
  for (void *block = exchange->owned; block;) {
    void *next = *(void **)block;
    free(block);
    block = next;
  }
}
