import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { type AuthFile, findUnusableLocation, parseAuthFile, readAuthFile } from './auth-file.ts'
import type { Credential } from '../credential.ts'
import { askHelper, type HelperOptions } from './helper.ts'
import { helperServer, keysFor, registryKey } from './registry-keys.ts'
import type { FoundCredential, NoCredential, Source, SourceName } from './source.ts'

/**
 * Reads the credentials of a file in docker's or podman's format.
 * @param naming how the user named it: a default location that this user may not enter counts as
 * absent, and a named file must exist
 */
export function fileSource(
  name: SourceName,
  file: string,
  helpers: HelperOptions,
  naming: 'default' | 'folder is named' | 'named' = 'default',
): Source {
  return authSource(name, file, helpers, async (call) => {
    const unusable = naming === 'default' ? await findUnusableLocation(file) : undefined
    if (unusable !== undefined) {
      call?.notify({ kind: 'note', text: `skipped the credentials of ${name}: ${unusable}` })
      return 'not readable'
    }
    const found = await readAuthFile(file)
    if (found !== undefined || naming !== 'named') return found
    throw new DrayError('config', `the credentials file ${file} does not exist`, {
      subject: file,
      why: `${name} names that file`,
      hint: `Correct ${name}, or unset it.`,
    })
  })
}

/** Reads the same from the text of a variable. */
export function textSource(name: SourceName, text: string, helpers: HelperOptions): Source {
  return authSource(name, name, helpers, async () => parseAuthFile(Buffer.from(text), name))
}

/**
 * The most specific key wins. For a key, its own helper (`credHelpers`) comes before the store
 * (`credsStore`, for hosts), and that before `auths`, as in docker/cli (`configfile`,
 * `getConfiguredCredentialStore`). The file is read once, and a helper called once for each server.
 */
function authSource(
  name: SourceName,
  where: string,
  helpers: HelperOptions,
  read: (call?: Call) => Promise<AuthFile | 'not readable' | undefined>,
): Source {
  let content: ReturnType<typeof read> | undefined
  const answers = new Map<string, Promise<Credential | undefined>>()

  const ask = (helper: string, key: string, call: Call): Promise<Credential | undefined> => {
    const server = helperServer(key)
    const id = `${helper} ${server}`
    const known = answers.get(id)
    if (known !== undefined) return known
    const answer = askHelper({ name: helper, server }, helpers, call)
    answers.set(id, answer)
    answer.catch(() => answers.delete(id))
    return answer
  }

  return {
    name,
    where,
    ignoredKeys: async (registry) => {
      content ??= read()
      const file = await content
      const ignored = file === undefined || file === 'not readable' ? [] : file.ignored
      const key = registryKey(registry)
      return ignored.filter((one) => one.registry === undefined || one.registry === key)
    },
    find: async (registry, path, call, isPlainHttp): Promise<FoundCredential | NoCredential> => {
      content ??= read(call)
      const found = await content
      if (found === undefined) return { why: 'no such file' }
      if (found === 'not readable') return { why: found }
      let hasAsked = false
      const own = registryKey(registry)
      for (const key of keysFor(registry, path, isPlainHttp)) {
        // A store is a program to run. It gets another spelling of the registry only if the file
        // lists that one.
        const isOther = key !== own && found.credHelpers.get(key) === undefined && !found.listed.has(key)
        const helper = isOther ? undefined : helperFor(found, key)
        if (helper === undefined) {
          const credential = found.auths.get(key)
          if (credential !== undefined) return { credential, key }
          continue
        }
        hasAsked = true
        const credential = await ask(helper, key, call)
        if (credential !== undefined) return { credential, key, helper }
      }
      return { why: hasAsked ? 'the helper has none' : 'no entry' }
    },
  }
}

/** Returns the helper that keeps the credentials of a key; undefined if the file does. */
export function helperFor(file: AuthFile, key: string): string | undefined {
  const helper = file.credHelpers.get(key) ?? (key.includes('/') ? undefined : file.credsStore)
  return helper === '' ? undefined : helper
}
