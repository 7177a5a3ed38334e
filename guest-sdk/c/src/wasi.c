/* The wasi lane: what `wasi:http/incoming-handler` 0.2 exports, made of httpd_handle. */

#include "bindings/service.h"
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

/* What the handles of a request and its response are. */
typedef struct {
  wasi_http_types_borrow_incoming_request_t request;
  bool consumed;
  wasi_http_types_own_incoming_body_t body;
  wasi_io_streams_own_input_stream_t input;
  exports_wasi_http_incoming_handler_own_response_outparam_t out;
  wasi_http_types_own_outgoing_body_t response;
  wasi_io_streams_own_output_stream_t output;
} handles;

/* As much as is read at once. */
static const size_t PIECE = 64 * 1024;

static const char CAPTURE[] = "httpd-capture-";

/* What a host may refuse only by mistake ends in a trap. */
static void must(bool done) {
  if (!done) abort();
}

/* The bindings' text for the exchange, which has a copy. */
static httpd_text taken(httpd_exchange *exchange, service_string_t *string) {
  httpd_text text = httpd_own_text(exchange, string->ptr, string->len);
  service_string_free(string);
  return text;
}

static void lift_method(httpd_exchange *exchange, handles *all) {
  static const char *const NAMES[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(all->request, &method);
  if (method.tag == WASI_HTTP_TYPES_METHOD_OTHER)
    exchange->method = taken(exchange, &method.val.other);
  else
    exchange->method = httpd_text_of(NAMES[method.tag]);
}

static void lift_target(httpd_exchange *exchange, handles *all) {
  service_string_t string;
  wasi_http_types_scheme_t scheme;
  exchange->path = httpd_text_of("/");
  if (wasi_http_types_method_incoming_request_path_with_query(all->request, &string)) {
    httpd_text target = taken(exchange, &string);
    const char *mark = target.length ? memchr(target.data, '?', target.length) : NULL;
    size_t path = mark ? (size_t)(mark - target.data) : target.length;
    exchange->path = (httpd_text){target.data, path};
    if (mark) exchange->query = (httpd_text){mark + 1, target.length - path - 1};
  }
  exchange->scheme = httpd_text_of("http");
  if (wasi_http_types_method_incoming_request_scheme(all->request, &scheme)) {
    if (scheme.tag == WASI_HTTP_TYPES_SCHEME_HTTPS) exchange->scheme = httpd_text_of("https");
    wasi_http_types_scheme_free(&scheme);
  }
  if (wasi_http_types_method_incoming_request_authority(all->request, &string))
    exchange->authority = taken(exchange, &string);
}

/* The host tells of a request in fields that a client cannot set. */
static void lift_field(httpd_exchange *exchange, httpd_text name, httpd_text value) {
  const size_t prefix = sizeof CAPTURE - 1;
  if (httpd_equal(name, "httpd-request-id")) {
    exchange->id = value;
  } else if (httpd_equal(name, "httpd-client")) {
    exchange->client = value;
  } else if (name.length > prefix && !memcmp(name.data, CAPTURE, prefix)) {
    httpd_text captured = {name.data + prefix, name.length - prefix};
    httpd_pairs_add(&exchange->captures, captured, httpd_decoded(exchange, value, false));
  } else {
    httpd_pairs_add(&exchange->fields, name, value);
  }
}

static void lift_fields(httpd_exchange *exchange, handles *all) {
  wasi_http_types_own_fields_t fields =
      wasi_http_types_method_incoming_request_headers(all->request);
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
  for (size_t i = 0; i < entries.len; i++) {
    httpd_text name = httpd_own_text(exchange, entries.ptr[i].f0.ptr, entries.ptr[i].f0.len);
    httpd_text value = httpd_own_text(exchange, entries.ptr[i].f1.ptr, entries.ptr[i].f1.len);
    lift_field(exchange, name, value);
  }
  wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
  wasi_http_types_fields_drop_own(fields);
}

/* Ends what was read of the request; one that nobody read is left to the host. */
static void end_request(handles *all) {
  if (!all->consumed) return;
  wasi_io_streams_input_stream_drop_own(all->input);
  wasi_http_types_incoming_body_drop_own(all->body);
}

/* An outgoing body that is dropped without its end is a response cut short. */
static void end_response(httpd_exchange *exchange, handles *all) {
  wasi_io_streams_stream_error_t error;
  bool flushed = wasi_io_streams_method_output_stream_blocking_flush(
      wasi_io_streams_borrow_output_stream(all->output), &error);
  if (!flushed) wasi_io_streams_stream_error_free(&error);
  wasi_io_streams_output_stream_drop_own(all->output);
  wasi_http_types_error_code_t code;
  if (exchange->failed || !flushed)
    wasi_http_types_outgoing_body_drop_own(all->response);
  else if (!wasi_http_types_static_outgoing_body_finish(all->response, NULL, &code))
    wasi_http_types_error_code_free(&code);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  handles all = {.request = wasi_http_types_borrow_incoming_request(request), .out = out};
  httpd_exchange exchange = {.status = 200, .below = &all};
  lift_method(&exchange, &all);
  lift_target(&exchange, &all);
  lift_fields(&exchange, &all);
  httpd_handle(&exchange);
  if (exchange.failed && !exchange.begun) {
    exchange.failed = false;
    exchange.response_fields.count = 0;
    httpd_respond_text(&exchange, 500, "Internal Server Error\n");
  }
  /* A response without a body has a head none the less. */
  httpd_write(&exchange, NULL, 0);
  end_request(&all);
  end_response(&exchange, &all);
  wasi_http_types_incoming_request_drop_own(request);
  httpd_exchange_end(&exchange);
}

size_t httpd_below_read(httpd_exchange *exchange, void *buffer, size_t size) {
  handles *all = exchange->below;
  if (!all->consumed) {
    all->consumed = true;
    must(wasi_http_types_method_incoming_request_consume(all->request, &all->body));
    must(wasi_http_types_method_incoming_body_stream(
        wasi_http_types_borrow_incoming_body(all->body), &all->input));
  }
  service_list_u8_t piece;
  wasi_io_streams_stream_error_t error;
  while (wasi_io_streams_method_input_stream_blocking_read(
      wasi_io_streams_borrow_input_stream(all->input), size < PIECE ? size : PIECE, &piece,
      &error)) {
    size_t length = piece.len;
    if (length) memcpy(buffer, piece.ptr, length);
    service_list_u8_free(&piece);
    if (length) return length;
  }
  exchange->failed = error.tag != WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
  wasi_io_streams_stream_error_free(&error);
  return 0;
}

/* Fields that the host refuses are the handler's mistake: it answers 500. */
static wasi_http_types_own_fields_t lower_fields(httpd_exchange *exchange) {
  wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
  for (size_t i = 0; i < exchange->response_fields.count; i++) {
    httpd_text name = exchange->response_fields.items[i].name;
    httpd_text value = exchange->response_fields.items[i].value;
    wasi_http_types_field_name_t raw_name = {(uint8_t *)name.data, name.length};
    wasi_http_types_field_value_t raw_value = {(uint8_t *)value.data, value.length};
    wasi_http_types_header_error_t error;
    if (wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &raw_name,
                                             &raw_value, &error))
      continue;
    httpd_log(HTTPD_ERROR, "the field %.*s cannot be sent", (int)name.length, name.data);
    exchange->status = 500;
  }
  return fields;
}

bool httpd_below_begin(httpd_exchange *exchange) {
  handles *all = exchange->below;
  wasi_http_types_own_outgoing_response_t head =
      wasi_http_types_constructor_outgoing_response(lower_fields(exchange));
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(head);
  if (exchange->status > 999 || !wasi_http_types_method_outgoing_response_set_status_code(
                                    borrowed, (uint16_t)exchange->status)) {
    httpd_log(HTTPD_ERROR, "%u is no status of a response", exchange->status);
    must(wasi_http_types_method_outgoing_response_set_status_code(borrowed, 500));
  }
  must(wasi_http_types_method_outgoing_response_body(borrowed, &all->response));
  must(wasi_http_types_method_outgoing_body_write(
      wasi_http_types_borrow_outgoing_body(all->response), &all->output));
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false};
  result.val.ok = head;
  wasi_http_types_static_response_outparam_set(all->out, &result);
  return true;
}

/* How many bytes the stream takes now, at least one; 0 when it takes none any more. */
static uint64_t room(wasi_io_streams_borrow_output_stream_t output) {
  uint64_t room = 0;
  wasi_io_streams_stream_error_t error;
  while (wasi_io_streams_method_output_stream_check_write(output, &room, &error)) {
    if (room) return room;
    wasi_io_streams_own_pollable_t ready =
        wasi_io_streams_method_output_stream_subscribe(output);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
  }
  wasi_io_streams_stream_error_free(&error);
  return 0;
}

static bool write_all(wasi_io_streams_borrow_output_stream_t output, const char *data,
                      size_t length) {
  wasi_io_streams_stream_error_t error;
  while (length) {
    uint64_t most = room(output);
    if (!most) return false;
    service_list_u8_t piece = {(uint8_t *)data, most < length ? (size_t)most : length};
    if (!wasi_io_streams_method_output_stream_write(output, &piece, &error)) {
      wasi_io_streams_stream_error_free(&error);
      return false;
    }
    data += piece.len;
    length -= piece.len;
  }
  /* Whoever waits for these bytes has them without more of them. */
  if (wasi_io_streams_method_output_stream_flush(output, &error)) return true;
  wasi_io_streams_stream_error_free(&error);
  return false;
}

bool httpd_below_write(httpd_exchange *exchange, const void *data, size_t length) {
  handles *all = exchange->below;
  return write_all(wasi_io_streams_borrow_output_stream(all->output), data, length);
}

void httpd_below_log(httpd_level level, httpd_text line) {
  static const char *const LEVELS[] = {"TRACE ", "DEBUG ", "INFO ", "WARN ", "ERROR "};
  /* The host logs what comes of standard error as a warning, other output as information. */
  wasi_io_streams_own_output_stream_t out =
      level < HTTPD_WARN ? wasi_cli_stdout_get_stdout() : wasi_cli_stderr_get_stderr();
  wasi_io_streams_borrow_output_stream_t borrowed = wasi_io_streams_borrow_output_stream(out);
  httpd_buffer whole = {0};
  httpd_buffer_add(&whole, LEVELS[level], strlen(LEVELS[level]));
  httpd_buffer_add(&whole, line.data, line.length);
  httpd_buffer_add(&whole, "\n", 1);
  write_all(borrowed, whole.data, whole.length);
  free(whole.data);
  wasi_io_streams_output_stream_drop_own(out);
}
