import type { ErrorCode } from '../../lib/errors.ts'

/** All exit codes of the program; `docs/` lists the same. */
export const exitCodes = {
  /** done, or nothing to do */
  done: 0,
  failed: 1,
  /** a plan has changes, or environments are not in sync; only with `--detailed-exitcode` */
  changes: 2,
  /** a rule or limit does not allow it, or a tag or manifest changed since the plan */
  refused: 3,
  /** one part was done, another part was not */
  partly: 4,
  /** the command line is wrong (sysexits.h, EX_USAGE) */
  usage: 64,
  /** Ctrl-C, SIGTERM, or a prompt answered with no (128 + SIGINT) */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case 'usage':
      return exitCodes.usage
    case 'conflict':
    case 'refused':
      return exitCodes.refused
    case 'interrupted':
    case 'cancelled':
      return exitCodes.interrupted
    case 'config':
    case 'malformed':
    case 'not-found':
    case 'unauthorized':
    case 'forbidden':
    case 'unsupported':
    case 'corrupt':
    case 'protocol':
    case 'unavailable':
    case 'network':
    case 'timeout':
    case 'audit':
    case 'io':
    case 'internal':
      return exitCodes.failed
  }
}

/** Whether the exit code means success. */
export function isOk(code: ExitCode): boolean {
  return code === exitCodes.done || code === exitCodes.changes
}
