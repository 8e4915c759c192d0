import { totalmem } from 'node:os'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** The limits of one client and of all clients together. Times are in milliseconds. */
export interface ServerLimits {
  /** Open connections. Node closes further ones at once. */
  readonly connections: number
  /** The time for the headers of a request, from the start of the connection or of the request. */
  readonly headersMs: number
  /** Bytes of all headers of a request. */
  readonly headerBytes: number
  /** How long a connection may be idle in both directions during a request. */
  readonly stalledMs: number
  /** A body must bring `minBytes` in each window in which the registry waits for it. */
  readonly slowBody: { readonly windowMs: number; readonly minBytes: number }
  /** How much of a body the registry reads after it has answered the request. */
  readonly answeredBody: { readonly ms: number; readonly bytes: number }
  /** Open upload sessions in all repositories. */
  readonly uploads: number
  /** How long an upload session may be idle. */
  readonly uploadIdleMs: number
  /** Bytes of one blob. */
  readonly blobBytes: number
  /** Bytes of all manifests that are being received. */
  readonly incomingManifestBytes: number
}

/**
 * The default limits. No limit applies to the total time of a request, because layers may be large.
 */
export const defaultLimits: ServerLimits = {
  connections: 1000,
  headersMs: 30_000,
  headerBytes: 16 * KiB,
  stalledMs: 10 * 60_000,
  slowBody: { windowMs: 30_000, minBytes: 30 * KiB },
  answeredBody: { ms: 30_000, bytes: 64 * MiB },
  uploads: 500,
  uploadIdleMs: 24 * 60 * 60_000,
  blobBytes: 128 * GiB,
  incomingManifestBytes: 256 * MiB,
}

/** The most that a registry in memory keeps, unless half of the machine's memory is less. */
const maxMemoryBytes = 8 * GiB

/** How many bytes a registry in memory may keep on this machine or in this container. */
export function defaultMemoryBytes(): number {
  // Without a constraint, Node returns 0 or a number above the memory of the machine.
  const constrained = process.constrainedMemory()
  const available = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.min(maxMemoryBytes, Math.floor(available / 2))
}
