import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findCredentials } from '../../src/registry/credentials/find-credentials.ts'
import { notedCall } from './http-world.ts'
import { tempFolder } from './temp.ts'

/** A home folder with this config.json of docker, and credential helpers in PATH. */
export async function home(config: object, helpers: Readonly<Record<string, string>> = {}) {
  const folder = await tempFolder()
  const file = join(folder, '.docker', 'config.json')
  await mkdir(join(folder, '.docker'))
  await writeFile(file, JSON.stringify(config))
  for (const [name, script] of Object.entries(helpers)) {
    const path = join(folder, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }
  const options = { env: { PATH: `${folder}:/usr/bin:/bin` }, home: folder }
  return {
    folder,
    file,
    options,
    place: { file, helpers: { env: options.env } },
    userFor: async (registry: string, path = 'library/a') => {
      const found = await findCredentials(options)(registry, path, notedCall())
      return found?.kind === 'basic' ? found.username : found?.kind
    },
    kept: async () => JSON.parse(await readFile(file, 'utf8')) as { auths: Record<string, unknown> },
  }
}
