import type { WatchAuth, WatchSecret, WatchSource } from '../../config/watch/watch-config.ts'
import { DrayError } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import type { EventSecret } from '../../usecases/watch/registry-event.ts'
import type { ReceivedSource } from './receiver.ts'

const maxFileSize = 64 * 1024
/** Characters. A shorter secret can be guessed. */
const minSecret = 16
/** 32 random bytes have 43 characters of base64url, or 64 of hex. */
const secretPath = /^[A-Za-z0-9_-]{43,256}$/

type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads the secrets of the sources. The texts of errors do not contain them.
 * @throws `config` for a missing or weak secret, and for two sources with one secret path; `io`.
 */
export async function loadSources(
  sources: readonly WatchSource[],
  env: Env,
): Promise<readonly ReceivedSource[]> {
  const { eventSources } = await import('../../usecases/watch/sources/event-sources.ts')
  const loaded: ReceivedSource[] = []
  for (const { name, kind, auth, secret } of sources) {
    const value = await readSecret(name, secret, env)
    const source = { name, source: eventSources[kind], secret: secretOf(auth, value) }
    if (auth.kind !== 'path') {
      if (value.length < minSecret) throw weak(name, `it has fewer than ${minSecret} characters`)
      loaded.push(source)
      continue
    }
    if (!secretPath.test(value)) throw weak(name, 'it is not 32 random bytes in hex or base64url')
    if (loaded.some(({ path }) => path === value)) throw weak(name, 'another source has the same one')
    loaded.push({ ...source, path: value })
  }
  return loaded
}

async function readSecret(source: string, secret: WatchSecret, env: Env): Promise<string> {
  if (secret.kind === 'variable') {
    const value = env[secret.name]
    if (value !== undefined && value !== '') return value
    throw new DrayError('config', `the source ${source} has no secret`, {
      subject: source,
      why: `the environment variable ${secret.name} is not set`,
      hint: `Set ${secret.name} to the secret that the registry sends.`,
    })
  }
  const bytes = await readFileBounded(secret.path, maxFileSize)
  if (bytes !== undefined) return new TextDecoder().decode(bytes).replace(/\r?\n$/, '')
  throw new DrayError('config', `the source ${source} has no secret`, {
    subject: secret.path,
    why: `the file ${secret.path} does not exist`,
    hint: 'Write the secret that the registry sends to this file.',
  })
}

function secretOf(auth: WatchAuth, value: string): EventSecret {
  switch (auth.kind) {
    case 'header':
      return { kind: 'header', name: auth.name, value }
    case 'hmac':
      return { kind: 'hmac', key: value }
    case 'path':
      return { kind: 'path' }
  }
}

function weak(source: string, why: string): DrayError {
  return new DrayError('config', `the secret of the source ${source} is too weak`, {
    subject: source,
    why,
    hint: 'Create one with "openssl rand -hex 32", and configure it in the registry too.',
  })
}
