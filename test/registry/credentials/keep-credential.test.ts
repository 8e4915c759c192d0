import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCredentials } from '../../../src/registry/credentials/find-credentials.ts'
import {
  forgetCredential,
  keepCredential,
  type CredentialFile,
} from '../../../src/registry/credentials/keep-credential.ts'
import { notedCall } from '../../support/http-world.ts'
import { tempFolder } from '../../support/temp.ts'

const ada = { kind: 'basic', username: 'ada', password: 'canary' } as const

/** A helper that stores credentials in a file next to it, like a keychain. */
const keychain = `kept="$(dirname "$0")/kept"
case "$1" in
store) cat > "$kept" ;;
get) if test -f "$kept"; then cat "$kept"; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm -f "$kept" ;;
esac`

async function world(config?: unknown, helper = keychain) {
  const folder = await tempFolder()
  await writeFile(join(folder, 'docker-credential-chain'), `#!/bin/sh\n${helper}\n`)
  await chmod(join(folder, 'docker-credential-chain'), 0o755)
  const file = join(folder, '.docker', 'config.json')
  if (config !== undefined) {
    await mkdir(join(folder, '.docker'))
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
  }
  const env = { PATH: `${folder}:/usr/bin:/bin` }
  const place: CredentialFile = { file, helpers: { env } }
  return {
    folder,
    file,
    place,
    read: async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>,
    find: (registry: string) => findCredentials({ env, home: folder })(registry, undefined, notedCall()),
  }
}

describe('stored credentials', () => {
  it('are found again in a file that only its owner can read', async () => {
    const one = await world()
    expect(await keepCredential(one.place, 'r.test:5000', ada, notedCall())).toEqual({ file: one.file })
    expect((await stat(one.file)).mode & 0o777).toBe(0o600)
    expect(await one.find('r.test:5000')).toEqual(ada)
    expect(await one.find('r.test')).toBeUndefined()
  })

  it('keep the other content of the file and its order', async () => {
    const config = {
      HttpHeaders: { 'X-A': 'b' },
      auths: { 'other.test': { auth: 'eDp5', extra: 1 } },
      psFormat: 'table',
    }
    const one = await world(config)
    await keepCredential(one.place, 'r.test', ada, notedCall())
    const after = await one.read()
    expect(Object.keys(after)).toEqual(Object.keys(config))
    expect(after).toEqual({
      ...config,
      auths: { ...config.auths, 'r.test': { auth: Buffer.from('ada:canary').toString('base64') } },
    })
  })

  it('make the file private', async () => {
    const one = await world({})
    await chmod(one.file, 0o644)
    await keepCredential(one.place, 'r.test', ada, notedCall())
    expect((await stat(one.file)).mode & 0o777).toBe(0o600)
  })

  it('of Docker Hub have the key that docker reads', async () => {
    const one = await world()
    await keepCredential(one.place, 'docker.io', ada, notedCall())
    expect(Object.keys((await one.read())['auths'] as object)).toEqual(['https://index.docker.io/v1/'])
    expect(await one.find('docker.io')).toEqual(ada)
  })

  it('may be a refresh token', async () => {
    const one = await world()
    await keepCredential(one.place, 'r.test', { kind: 'identity', token: 'canary' }, notedCall())
    expect(await one.find('r.test')).toEqual({ kind: 'identity', token: 'canary' })
  })

  it.each([
    ['credsStore', { credsStore: 'chain' }],
    ['credHelpers', { credHelpers: { 'r.test': 'chain' } }],
  ])('are stored by the helper of %s, and not in the file', async (_, config) => {
    const one = await world(config)
    expect(await keepCredential(one.place, 'r.test', ada, notedCall())).toEqual({
      file: one.file,
      helper: 'chain',
    })
    expect(JSON.parse(await readFile(join(one.folder, 'kept'), 'utf8'))).toEqual({
      ServerURL: 'r.test',
      Username: 'ada',
      Secret: 'canary',
    })
    expect(await readFile(one.file, 'utf8')).not.toMatch(/canary|YWRh/)
    expect(await one.find('r.test')).toEqual(ada)
  })

  it('are all kept if several are stored at once', async () => {
    const one = await world()
    const names = Array.from({ length: 8 }, (_, i) => `r${i}.test`)
    await Promise.all(names.map((name) => keepCredential(one.place, name, ada, notedCall())))
    expect(await Promise.all(names.map((name) => one.find(name)))).toEqual(names.map(() => ada))
  })

  it('go to the target of a link, which stays a link', async () => {
    const one = await world({})
    const link = join(one.folder, 'link.json')
    await symlink(one.file, link)
    await keepCredential({ ...one.place, file: link }, 'r.test', ada, notedCall())
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await one.find('r.test')).toEqual(ada)
  })

  it('never replace an invalid file', async () => {
    const one = await world('{"auths": [')
    const keeping = keepCredential(one.place, 'r.test', ada, notedCall())
    await expect(keeping).rejects.toMatchObject({ code: 'config', subject: one.file })
    expect(await readFile(one.file, 'utf8')).toBe('{"auths": [')
  })

  it('are an error if their helper fails, and are not stored elsewhere', async () => {
    const one = await world({ credsStore: 'chain' }, 'echo canary; exit 3')
    const keeping = keepCredential(one.place, 'r.test', ada, notedCall())
    await expect(keeping).rejects.toMatchObject({ code: 'config', why: 'it ended with status 3' })
    await expect(keeping).rejects.not.toThrow(/canary/)
    expect(await one.read()).toEqual({ credsStore: 'chain' })
  })
})

describe('a file for credentials that cannot be made', () => {
  it('is an error that says how to name another one', async () => {
    const one = await world({})
    const place = { ...one.place, file: join(one.file, 'docker', 'config.json') }
    await expect(keepCredential(place, 'r.test', ada, notedCall())).rejects.toMatchObject({
      code: 'io',
      hint: 'Pass a file that you can write: --auth-file FILE.',
    })
  })

  it('is not made to remove credentials', async () => {
    const one = await world()
    const place = { ...one.place, file: join(one.folder, 'none', 'config.json') }
    expect(await forgetCredential(place, 'r.test', notedCall())).toBeUndefined()
    await expect(stat(join(one.folder, 'none'))).rejects.toThrow('ENOENT')
  })
})

describe('removed credentials', () => {
  it('are deleted from the file under every spelling of their registry, and no others', async () => {
    const entry = { auth: 'eDp5' }
    const one = await world({ auths: { 'r.test': entry, 'https://r.test/v2/': entry, 'r.test:5000': entry } })
    expect(await forgetCredential(one.place, 'r.test', notedCall())).toEqual({ file: one.file })
    expect(await one.read()).toEqual({ auths: { 'r.test:5000': entry } })
  })

  it('are deleted from their helper', async () => {
    const one = await world({ credsStore: 'chain' })
    await keepCredential(one.place, 'r.test', ada, notedCall())
    expect(await forgetCredential(one.place, 'r.test', notedCall())).toEqual({
      file: one.file,
      helper: 'chain',
    })
    expect(await one.find('r.test')).toBeUndefined()
    expect(await forgetCredential(one.place, 'r.test', notedCall())).toBeUndefined()
  })

  it('may be missing, and then no file is written', async () => {
    const one = await world()
    expect(await forgetCredential(one.place, 'r.test', notedCall())).toBeUndefined()
    await expect(readFile(one.file)).rejects.toThrow('ENOENT')
  })
})
