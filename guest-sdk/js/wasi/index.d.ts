/** Thrown by a handler: the client gets this status, and the message as text when it is a 4xx. */
export class HttpError extends Error {
  constructor(status: number, message: string);
  status: number;
}

/** What a project's `#app` exports. */
export type Handler = (request: Request) => Response | Promise<Response>;

export function path(request: Request): string;
export function query(request: Request): URLSearchParams;
export function capture(request: Request, name: string): string | undefined;
export function requestId(request: Request): string | undefined;
export function client(request: Request): string | undefined;
export function text(body: string, init?: ResponseInit): Response;
export function html(body: string, init?: ResponseInit): Response;
export function json(value: unknown, init?: ResponseInit): Response;
export function bytes(body: BodyInit | null, init?: ResponseInit): Response;
export function redirect(location: string, status?: number): Response;
export function answer(handle: Handler, request: Request): Promise<Response>;
