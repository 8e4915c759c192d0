import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { tools } from '../../test/support/tools.ts'
import type { Invocation } from './process.ts'

/** What to copy, the same for every contestant. */
interface Copy {
  readonly from: string
  readonly to: string
  /** with everything that refers to the image */
  readonly evidence: boolean
}

export interface Contestant {
  readonly name: string
  /**
   * `tuned`: with 16 concurrent requests if the default is lower. `floor`: does less than every
   * contestant.
   */
  readonly kind: 'dray' | 'peer' | 'tuned' | 'floor'
  copy(copy: Copy): Invocation
}

interface Program extends Contestant {
  readonly version: Invocation
}

export interface Dray extends Program {
  invocation(...args: readonly string[]): Invocation
}

const root = join(import.meta.dirname, '..', '..')

/** The name of the row, also in goals. */
export const binaryName = 'dray, binary'
export const tunedRegctl = 'regctl, 16 at once'

/** dray as built in a folder, run by this Node without npm. */
function drayIn(folder: string, name: string, ...flags: readonly string[]): Dray {
  return drayOf(name, process.execPath, [join(folder, 'bin', 'dray.js')], flags)
}

function drayOf(
  name: string,
  command: string,
  first: readonly string[] = [],
  flags: readonly string[] = [],
): Dray {
  const invocation = (...args: readonly string[]): Invocation => ({ command, args: [...first, ...args] })
  return {
    name,
    kind: 'dray',
    copy: ({ from, to }) => invocation('promote', from, to, '--yes', ...flags),
    version: invocation('--version'),
    invocation,
  }
}

/** dray on Node, the standalone program if there is one, and another dray to compare with. */
export function drays(against: string | undefined): readonly Dray[] {
  const program = resolve(process.env['DRAY_PROGRAM'] ?? join(root, 'release', 'bin', 'dray-linux-x64'))
  return [
    drayIn(root, 'dray'),
    ...(existsSync(program) ? [drayOf(binaryName, program)] : []),
    ...(against === undefined ? [] : [drayIn(against, 'dray, the other')]),
  ]
}

export const drayWithoutEvidence: Contestant = drayIn(root, 'dray --no-evidence', '--no-evidence')

/** The least that Node needs for the same requests. */
export const prototype: Contestant = {
  name: 'prototype',
  kind: 'floor',
  copy: ({ from, to, evidence }) => runPrototype('promote', ...(evidence ? ['--referrers'] : []), from, to),
}

export function runPrototype(...args: readonly string[]): Invocation {
  return { command: process.execPath, args: [join(import.meta.dirname, 'prototype.mjs'), ...args] }
}

const known: readonly Program[] = [
  {
    name: 'crane',
    kind: 'peer',
    copy: ({ from, to }) => ({ command: 'crane', args: ['copy', from, to] }),
    version: { command: 'crane', args: ['version'] },
  },
  {
    name: 'crane --jobs 16',
    kind: 'tuned',
    copy: ({ from, to }) => ({ command: 'crane', args: ['copy', '--jobs', '16', from, to] }),
    version: { command: 'crane', args: ['version'] },
  },
  regctl('regctl', 'peer', ''),
  regctl(tunedRegctl, 'tuned', ',reqConcurrent=16'),
  oras('oras', 'peer'),
  oras('oras --concurrency 16', 'tuned', '--concurrency', '16'),
  {
    name: 'skopeo',
    kind: 'peer',
    copy: ({ from, to }) => ({
      command: 'skopeo',
      args: [
        'copy',
        '--all',
        '--insecure-policy',
        // Otherwise it compresses layers, and the image is another.
        '--preserve-digests',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        `docker://${from}`,
        `docker://${to}`,
      ],
      // skopeo records the repository of each blob, and mounts the blob from there. This variable
      // makes it keep that in the data folder of its user, root or not. Every run has a folder of
      // its own.
      env: { _CONTAINERS_ROOTLESS_UID: '1000' },
    }),
    version: { command: 'skopeo', args: ['--version'] },
  },
]

/** The programs of other projects on the `PATH`. */
export function peers(): readonly Program[] {
  return known.filter((one) => tools(one.version.command).available)
}

/** The names of the programs that are missing. */
export function missingPeers(): readonly string[] {
  const names = new Set([...known.map((one) => one.version.command), 'regbot', 'regsync'])
  return [...names].filter((name) => !tools(name).available)
}

function oras(name: string, kind: Contestant['kind'], ...flags: readonly string[]): Program {
  return {
    name,
    kind,
    copy: ({ from, to, evidence }) => ({
      command: 'oras',
      args: [
        'cp',
        '--no-tty',
        '--from-plain-http',
        '--to-plain-http',
        ...(evidence ? ['--recursive'] : []),
        ...flags,
        from,
        to,
      ],
    }),
    version: { command: 'oras', args: ['version'] },
  }
}

function regctl(name: string, kind: Contestant['kind'], settings: string): Program {
  const host = (reference: string): string => `reg=${reference.split('/')[0]},tls=disabled${settings}`
  return {
    name,
    kind,
    copy: ({ from, to, evidence }) => ({
      command: 'regctl',
      args: [
        ...[from, to].flatMap((reference) => ['--host', host(reference)]),
        'image',
        'copy',
        ...(evidence ? ['--referrers', '--digest-tags'] : []),
        from,
        to,
      ],
    }),
    version: { command: 'regctl', args: ['version'] },
  }
}
