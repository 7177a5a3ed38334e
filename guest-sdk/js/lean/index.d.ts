/** Pairs of name and value, or an object of them. Each character of a value is one byte. */
export type HeadersInit = [string, string][] | Record<string, string>;

/** A response's status and fields. */
export interface ResponseInit {
  /** 200 unless given; 200 to 599. */
  status?: number;
  /** Sent in this order. */
  headers?: HeadersInit;
}

/** What a test says of a request. */
export interface RequestInit {
  id?: string;
  client?: string;
  method?: string;
  scheme?: string;
  authority?: string;
  headers?: HeadersInit;
  captures?: Record<string, string>;
  body?: Uint8Array | string;
}

/** The pairs of a query or a form. */
export class Query {
  constructor(raw: string);
  readonly raw: string;
  get(name: string): string | undefined;
  getAll(name: string): string[];
  entries(): [string, string][];
}

export class Request {
  constructor(target: string, init?: RequestInit);
  readonly id: string;
  readonly client: string;
  readonly method: string;
  readonly scheme: string;
  readonly authority?: string;
  readonly path: string;
  readonly query: Query;
  readonly headers: [string, string][];
  readonly captures: Record<string, string>;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
  text(): string;
  json(): unknown;
  form(): Query;
}

export class Response {
  constructor(body?: Uint8Array | string, init?: ResponseInit);
  status: number;
  headers: [string, string][];
  body: Uint8Array;
  header(name: string): string | undefined;
  text(): string | undefined;
}

/** Thrown by a handler: the client gets this status, and the message as text when it is a 4xx. */
export class HttpError extends Error {
  constructor(status: number, message: string);
  status: number;
}

/** What a project's `#app` exports. */
export type Handler = (request: Request) => Response;

export function text(body: string, init?: ResponseInit): Response;
export function html(body: string, init?: ResponseInit): Response;
export function json(value: unknown, init?: ResponseInit): Response;
export function bytes(body: Uint8Array, init?: ResponseInit): Response;
export function redirect(location: string, status?: number): Response;
export function answer(handle: Handler, request: Request): Response;
