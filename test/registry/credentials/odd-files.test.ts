import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCredentials } from '../../../src/registry/credentials/find-credentials.ts'
import { keepCredential } from '../../../src/registry/credentials/keep-credential.ts'
import type { Call } from '../../../src/lib/call.ts'
import { home } from '../../support/docker-home.ts'
import { notedCall } from '../../support/http-world.ts'
import { tempFolder } from '../../support/temp.ts'

const pair = Buffer.from('user:canary').toString('base64')
const auths = { auths: { 'r.test': { auth: pair } } }

async function fileWith(text: string): Promise<{ env: Record<string, string>; home: string; file: string }> {
  const folder = await tempFolder()
  const file = join(folder, '.docker', 'config.json')
  await mkdir(dirname(file))
  await writeFile(file, text)
  return { env: {}, home: folder, file }
}

async function userIn(text: string): Promise<string | undefined> {
  const found = await findCredentials(await fileWith(text))('r.test', 'team/api', notedCall())
  return found?.kind === 'basic' ? `${found.username}:${found.password}` : found?.kind
}

describe('a file of credentials', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['a section that is null', '{ "auths": null, "credHelpers": null, "credsStore": null }'],
    ['an entry that is null', '{ "auths": { "r.test": null } }'],
    ['a helper that is null', '{ "credHelpers": { "r.test": null } }'],
    ['an entry without a secret', '{ "auths": { "r.test": {} } }'],
    ['fields that are null', '{ "auths": { "r.test": { "auth": null, "username": null } } }'],
  ])('has no credentials if it has %s', async (_, text) => {
    expect(await userIn(text)).toBeUndefined()
  })

  it.each([
    ['a null entry of another registry', { auths: { ...auths.auths, 'other.test': null } }],
    ['a line end after auth', { auths: { 'r.test': { auth: `${pair}\n` } } }],
    ['Windows line ends around auth', { auths: { 'r.test': { auth: `\r\n${pair}\r\n` } } }],
    ['a line end in auth', { auths: { 'r.test': { auth: `${pair.slice(0, 8)}\n${pair.slice(8)}` } } }],
    ['"Auths" and "Auth"', { Auths: { 'r.test': { Auth: pair } } }],
    ['"userName" and "passWord"', { auths: { 'r.test': { userName: 'user', passWord: 'canary' } } }],
  ])('is read with %s', async (_, content) => {
    expect(await userIn(JSON.stringify(content))).toBe('user:canary')
  })

  it.each([
    ['other text', 'auths:'],
    ['a list', '[]'],
    ['auth that is not Base64', '{ "auths": { "r.test": { "auth": "canary canary" } } }'],
    ['an entry that is text', '{ "auths": { "r.test": "canary" } }'],
  ])('is an error with %s, and the error does not quote it', async (_, text) => {
    const thrown: unknown = await userIn(text).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'config' })
    expect(JSON.stringify(thrown)).not.toContain('canary')
  })

  it.each(['credSstore', 'CredsStore', 'CREDSSTORE'])('names its store in %s', async (name) => {
    const { userFor } = await home({ [name]: 'one' }, { one: 'echo \'{"Username":"stored","Secret":"s"}\'' })
    expect(await userFor('r.test')).toBe('stored')
  })

  it('keeps its spelling if credentials are stored in it', async () => {
    const { file, env } = await fileWith('{ "Auths": {}, "other": 1 }')
    const credential = { kind: 'basic', username: 'user', password: 'canary' } as const
    await keepCredential({ file, helpers: { env } }, 'r.test', credential, notedCall())
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ Auths: auths.auths, other: 1 })
  })

  it('gets credentials stored in it if it was empty', async () => {
    const { file, env } = await fileWith('')
    const credential = { kind: 'basic', username: 'user', password: 'canary' } as const
    await keepCredential({ file, helpers: { env } }, 'r.test', credential, notedCall())
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(auths)
  })

  it('is empty if it is /dev/null', async () => {
    const options = { env: { REGISTRY_AUTH_FILE: '/dev/null' }, home: await tempFolder() }
    expect(await findCredentials(options)('r.test', 'api', notedCall())).toBeUndefined()
  })
})

describe('a helper has no credentials if it answers', () => {
  it.each([
    ['an empty user and secret', '{"ServerURL":"","Username":"","Secret":""}'],
    ['an empty object', '{}'],
  ])('%s', async (_, answer) => {
    const { userFor } = await home({ credsStore: 'one' }, { one: `echo '${answer}'` })
    expect(await userFor('r.test')).toBeUndefined()
  })
})

describe('a location of credentials that this user cannot read', () => {
  /** The notes of a search in the file of docker, and its result. */
  async function search(
    make: (folder: string) => Promise<void>,
    env: Record<string, string> = {},
  ): Promise<{ notes: readonly string[]; found: unknown; folder: string }> {
    const folder = await tempFolder()
    await make(folder)
    const notes: string[] = []
    const call: Call = {
      signal: new AbortController().signal,
      notify: (event) => void (event.kind === 'note' && notes.push(event.text)),
    }
    const named = Object.fromEntries(Object.entries(env).map(([name, path]) => [name, join(folder, path)]))
    const found: unknown = await findCredentials({ env: named, home: folder })('r.test', 'api', call).catch(
      (error: unknown) => error,
    )
    return { notes, found, folder }
  }
  const folderInItsPlace = async (folder: string): Promise<void> =>
    void (await mkdir(join(folder, '.docker', 'config.json'), { recursive: true }))

  it('counts as absent, with a note, if it is a folder in place of a file', async () => {
    const { notes, found, folder } = await search(folderInItsPlace)
    expect(found).toBeUndefined()
    expect(notes).toEqual([
      `skipped the credentials of docker: ${join(folder, '.docker', 'config.json')} is a folder`,
    ])
  })

  it.each([
    ['DOCKER_CONFIG', '.docker'],
    ['REGISTRY_AUTH_FILE', '.docker/config.json'],
  ])('is an error with its cause if %s names it', async (name, path) => {
    const { found } = await search(folderInItsPlace, { [name]: path })
    expect(found).toMatchObject({
      code: 'config',
      why: 'EISDIR: it is a folder',
      hint: expect.stringContaining('Remove the folder') as unknown,
    })
  })

  // root may enter every folder
  describe.skipIf(process.getuid?.() === 0)('for lack of permission', () => {
    const closed = async (folder: string): Promise<void> => {
      await mkdir(join(folder, '.docker'))
      await writeFile(join(folder, '.docker', 'config.json'), JSON.stringify(auths))
      await chmod(join(folder, '.docker'), 0)
    }

    it('counts as absent, with a note', async () => {
      const { notes, found, folder } = await search(closed)
      await chmod(join(folder, '.docker'), 0o700)
      expect(found).toBeUndefined()
      expect(notes).toEqual([expect.stringContaining('EACCES')])
    })

    it('is an error if it is named', async () => {
      const { found, folder } = await search(closed, { DOCKER_CONFIG: '.docker' })
      await chmod(join(folder, '.docker'), 0o700)
      expect(found).toMatchObject({ code: 'config', why: expect.stringContaining('EACCES') as unknown })
    })
  })
})
