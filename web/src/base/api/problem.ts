/** One field that the server did not take. */
export interface FieldProblem {
  /** As in "body.email". */
  location: string;
  message: string;
}

interface Fields {
  status: number;
  title?: string;
  detail?: string;
  code?: string;
  errors?: FieldProblem[];
  current?: unknown;
  retryAfter?: number;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What the server answered instead of doing it (problem+json). Network trouble is not a Problem. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** A word by which a program knows what to do, as in "confirm"; "" for most. */
  readonly code: string;
  readonly errors: readonly FieldProblem[];
  /** With 409: the row as it is now. */
  readonly current: unknown;
  /** Seconds to wait before asking again, when the server said so. */
  readonly retryAfter: number | null;

  constructor({ status, title = '', detail = '', code = '', errors = [], current, retryAfter }: Fields) {
    const [first] = errors;
    super(detail || first?.message || title || `HTTP ${status}`);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.errors = errors;
    this.current = current;
    this.retryAfter = retryAfter ?? null;
  }

  /** The message for a field of the body, as in field('email'); undefined when it has none. */
  field(name: string): string | undefined {
    return this.errors.find(({ location }) => location === `body.${name}` || location === name)?.message;
  }

  /** Worth sending again as it is: the server could not, it did not refuse. */
  get passing(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }

  /** Reads whatever came; a proxy's HTML page gives a Problem as well. */
  static async from(response: Response): Promise<Problem> {
    let body: unknown;
    try {
      body = await response.json();
    } catch {
      body = null;
    }
    return Problem.of(response, body);
  }

  static of(response: Response, body: unknown): Problem {
    const record = isRecord(body) ? body : {};
    const errors = Array.isArray(record.errors) ? record.errors.filter(isRecord) : [];
    const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
    return new Problem({
      status: response.status,
      title: text(record.title) || response.statusText,
      detail: text(record.detail),
      code: text(record.code),
      errors: errors.map((e) => ({ location: text(e.location), message: text(e.message) })),
      current: record.current,
      ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfter: seconds } : {}),
    });
  }
}

/** Whether nothing reached the server or nothing came back: fetch throws a TypeError, an ended one an AbortError. */
export function isNetwork(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name !== 'DataCloneError');
}
