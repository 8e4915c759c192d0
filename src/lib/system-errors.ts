/** The meaning of a code of the system, and the action that fixes it. */
export interface SystemCause {
  /** a clause in plain words */
  readonly why: string
  /** one action, as an imperative */
  readonly hint: string
  /** a limit of the machine or of this process, not of a file */
  readonly isLimit?: true
}

const disk = 'Free space on that disk, or name a path on another disk. Then run the command again.'
const permission = 'Change the permissions, or name another path.'
const later = 'Run the command again later, or with fewer other programs on this machine.'

/**
 * The causes of failures that the machine or its limits are responsible for, by the code of the
 * system (errno). A failure with one of these codes is never a bug of dray.
 */
const causes: ReadonlyMap<string, SystemCause> = new Map([
  ['ENOSPC', { why: 'the disk has no free space or no free inode', hint: disk }],
  ['EDQUOT', { why: 'the disk quota of the user is exhausted', hint: disk }],
  [
    'EFBIG',
    {
      why: 'the file is larger than the file system or "ulimit -f" allows',
      hint: 'Raise the limit with "ulimit -f unlimited", or name a path on another disk.',
    },
  ],
  ['EROFS', { why: 'the file system is read-only', hint: 'Name a writable path.' }],
  ['EACCES', { why: 'the user of this process has no permission', hint: permission }],
  [
    'EPERM',
    { why: 'the system does not permit the operation to the user of this process', hint: permission },
  ],
  [
    'EIO',
    { why: 'the disk or its driver failed', hint: 'Check the disk. The log of the system has details.' },
  ],
  [
    'EMFILE',
    {
      why: 'this process reached its limit of open files and connections',
      hint: 'Raise the limit: ulimit -n 4096. Then run the command again.',
      isLimit: true,
    },
  ],
  [
    'ENFILE',
    {
      why: 'the machine reached its limit of open files',
      hint: 'Raise the limit of the machine: sysctl fs.file-max. Then run the command again.',
      isLimit: true,
    },
  ],
  ['EADDRINUSE', { why: 'another program uses this port', hint: 'Choose another port.' }],
  ['ENOMEM', { why: 'the machine or the container has too little free memory', hint: later, isLimit: true }],
  [
    'EAGAIN',
    {
      why: 'this user reached the limit of processes or connections',
      hint: 'Raise the limit: ulimit -u 4096. Or run the command again with fewer other programs.',
      isLimit: true,
    },
  ],
  ['ENOBUFS', { why: 'the system has no memory left for network connections', hint: later, isLimit: true }],
  [
    'EADDRNOTAVAIL',
    {
      why: 'this machine has no free port or address for another connection',
      hint: later,
      isLimit: true,
    },
  ],
])

/** Returns the cause behind a code of the system; undefined if the code alone does not show it. */
export function systemCause(code: string | undefined): SystemCause | undefined {
  return code === undefined ? undefined : causes.get(code)
}

/**
 * Returns the cause if a limit of the machine or of this process is reached. Such a failure says
 * nothing about a registry or a program that dray asks.
 */
export function reachedLimit(code: string | undefined): SystemCause | undefined {
  const cause = systemCause(code)
  return cause?.isLimit === true ? cause : undefined
}

/** All codes with a known cause. */
export const knownSystemCodes: readonly string[] = [...causes.keys()]

/**
 * Explains a failure by its code and the message of the system, which names the call and the path.
 */
export function explainSystemFailure(code: string | undefined, message: string): string {
  const cause = systemCause(code)
  return cause === undefined ? message : `${cause.why} (${message})`
}
