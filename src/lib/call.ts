/** The repository that an event is about: the shape of `RepositoryName`, which this module cannot import. */
interface EventRepository {
  readonly registry: string
  readonly path: string
}

/** What a long operation tells while it runs. Receivers must be quick and must not throw. */
export type ProgressEvent =
  /** an exchange with a registry is over; `url` is redacted */
  | {
      readonly kind: 'request'
      readonly method: string
      readonly url: string
      readonly status: number
      readonly ms: number
    }
  | {
      readonly kind: 'retry'
      readonly method: string
      readonly url: string
      readonly attempt: number
      readonly waitMs: number
      readonly why: string
    }
  /** a registry asked to be left alone (`Retry-After`), and is; told once for all requests that wait */
  | { readonly kind: 'wait'; readonly registry: string; readonly ms: number }
  /** a registry said how many pulls are left of a limit that is for so many seconds */
  | {
      readonly kind: 'quota'
      readonly registry: string
      readonly limit: number
      readonly remaining: number
      readonly windowS: number
    }
  /** requests to an origin go by a proxy; told once. Without user and password */
  | { readonly kind: 'proxied'; readonly origin: string; readonly proxy: string; readonly variable: string }
  /** a blob or manifest has `bytes` more on its way to, or at, the destination */
  | {
      readonly kind: 'bytes'
      readonly repository: EventRepository
      readonly digest: string
      readonly bytes: number
    }
  /** a blob or manifest begins and ends */
  | {
      readonly kind: 'content'
      readonly repository: EventRepository
      readonly descriptor: { readonly digest: string; readonly size: number }
      readonly state: 'begin' | 'mounted' | 'moved' | 'present' | 'failed'
    }
  /** so many of a repository's tags have been read */
  | {
      readonly kind: 'surveyed'
      readonly repository: EventRepository
      readonly done: number
      readonly of: number
    }
  /** so many of a repository's deletes have ended, whatever became of them */
  | {
      readonly kind: 'deleted'
      readonly repository: EventRepository
      readonly done: number
      readonly of: number
    }
  /** something that a person should know and that stops nothing; unescaped text of the other side may be in it */
  | { readonly kind: 'warning'; readonly text: string; readonly from?: string }

/** Cancellation, and where to tell of progress: the last parameter of every async port. */
export interface Call {
  readonly signal: AbortSignal
  readonly notify: (event: ProgressEvent) => void
}
