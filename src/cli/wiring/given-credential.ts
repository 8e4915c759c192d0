import type { GivenCredential } from '../../registry/credentials/find-credentials.ts'
import { DrayError } from '../../lib/errors.ts'

/** The largest password or token, in bytes. */
const maxSecretBytes = 64 * 1024

/** The global flags of credentials. */
interface CredentialFlags {
  readonly username?: string | undefined
  readonly 'password-stdin': boolean
  readonly 'auth-registry'?: string | undefined
}

/**
 * The credentials of the global flags, or undefined. DRAY_REGISTRY can name the registry. Reads
 * stdin when they are first needed.
 * @throws `usage` if a part is missing: a password is sent only to a registry that was named.
 */
export function credentialOf(
  flags: CredentialFlags,
  env: NodeJS.ProcessEnv,
  openStdin: () => AsyncIterable<unknown>,
): GivenCredential | undefined {
  const { username, 'password-stdin': passwordStdin, 'auth-registry': named } = flags
  const registry = named ?? env['DRAY_REGISTRY']
  if (username === undefined) return undefined
  if (!passwordStdin) {
    throw new DrayError('usage', '--username needs a password', {
      hint: 'Pass it on stdin with --password-stdin.',
    })
  }
  if (registry === undefined || registry === '') {
    throw new DrayError('usage', `--username ${JSON.stringify(username)} needs a registry`, {
      why: 'a command can use several registries, and the password is for one of them',
      hint: 'Pass --auth-registry HOST, or set DRAY_REGISTRY.',
    })
  }
  let read: Promise<string> | undefined
  return { username, registry, password: () => (read ??= readSecret(openStdin())) }
}

/** Reads stdin without the line break at its end. @throws `usage` if it is empty or too large. */
export async function readSecret(stdin: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string)
    length += bytes.byteLength
    if (length > maxSecretBytes) throw new DrayError('usage', 'the password on stdin has more than 64 KiB')
    chunks.push(bytes)
  }
  const secret = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (secret !== '') return secret
  throw new DrayError('usage', 'stdin has no password', {
    hint: 'Pipe the password: … | dray … --password-stdin',
  })
}
