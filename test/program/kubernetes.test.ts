import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { dray, warmDray, warmDrayJson, type WarmOptions } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

const secret = 'canary-of-the-password'

/** A home folder with credentials for r.example.com. */
async function loggedIn(): Promise<WarmOptions & { readonly cwd: string }> {
  const folder = await tempFolder()
  await mkdir(join(folder, '.docker'))
  const auth = Buffer.from(`ci:${secret}`).toString('base64')
  await writeFile(
    join(folder, '.docker', 'config.json'),
    JSON.stringify({ auths: { 'r.example.com': { auth } } }),
  )
  return { cwd: folder, env: { HOME: folder } }
}

/** Whether a text has the password, also in Base64. */
function hasSecret(text: string): boolean {
  const decoded = text.replaceAll(/[A-Za-z0-9+/]{40,}={0,2}/g, (word) =>
    Buffer.from(word, 'base64').toString('latin1'),
  )
  const twice = decoded.replaceAll(/[A-Za-z0-9+/]{16,}={0,2}/g, (word) =>
    Buffer.from(word, 'base64').toString('latin1'),
  )
  return [text, decoded, twice].some((one) => one.includes(secret))
}

describe('k8s pull-secret', () => {
  it('prints a Secret into a pipe', async () => {
    const here = await loggedIn()
    const ended = await dray(['k8s', 'pull-secret', 'r.example.com', '--verbose'], here)
    expect(ended.code).toBe(0)
    expect(parse(ended.stdout)).toMatchObject({ kind: 'Secret', metadata: { name: 'dray-pull' } })
    expect(hasSecret(ended.stdout)).toBe(true)
    expect(hasSecret(ended.stderr)).toBe(false)
  })

  it.each(['text', 'json', 'yaml'])('is refused on a terminal without --show, as %s', async (format) => {
    const here = await loggedIn()
    const args = ['k8s', 'pull-secret', 'r.example.com', '-o', format]
    const { code, stdout, stderr } = await warmDray(args, { ...here, onTerminal: true })
    expect(code).toBe(3)
    expect(stdout + stderr).toContain('--show')
    expect(hasSecret(stdout + stderr)).toBe(false)
  })

  it('prints the Secret on a terminal with --show', async () => {
    const here = await loggedIn()
    const args = ['k8s', 'pull-secret', 'r.example.com', '--show', '--namespace', 'shop']
    const ended = await warmDray(args, { ...here, onTerminal: true })
    expect(ended.code).toBe(0)
    expect(parse(ended.stdout)).toMatchObject({ metadata: { name: 'dray-pull', namespace: 'shop' } })
  })

  it('writes a file that only this user can read, and shows no secret', async () => {
    const here = await loggedIn()
    const file = join(here.cwd, 'secret.yaml')
    await writeFile(file, 'old', { mode: 0o644 })
    const ended = await warmDray(['k8s', 'pull-secret', 'r.example.com', '--out', 'secret.yaml'], {
      ...here,
      onTerminal: true,
    })
    expect(ended).toMatchObject({ code: 0, stdout: 'Wrote secret.yaml.\n' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({ kind: 'Secret' })
    const json = await warmDrayJson(['k8s', 'pull-secret', 'r.example.com', '--out', 'secret.yaml'], here)
    expect(json.document['result']).toEqual({
      file: 'secret.yaml',
      registries: [{ registry: 'r.example.com', expiresAt: null }],
    })
  })

  it('names the registry without credentials', async () => {
    const ended = await warmDrayJson(['k8s', 'pull-secret', 'other.example.com'], await loggedIn())
    expect(ended.code).toBe(1)
    expect(ended.document['error']).toMatchObject({ code: 'config', subject: 'other.example.com' })
  })

  it('requires a registry', async () => {
    expect((await warmDray(['k8s', 'pull-secret'], await loggedIn())).code).toBe(64)
  })
})

describe('k8s prepull', () => {
  it('pulls what is deployed in the environment, and named versions, by digest', async () => {
    const at = await world()
      .index('api:1.4.2', ['amd64', 'arm64'])
      .image('api:1.5.0')
      .image('web:2.0.0')
      .start()
    const host = at.staging.host
    const place = await warmWorkplace(
      JSON.stringify({
        version: 1,
        environments: { staging: { registry: host, path: 'staging/{image}' } },
        images: { api: {}, web: {}, worker: {} },
      }),
    )
    const reference = async (tag: string): Promise<string> =>
      `${host}/staging/${tag.split(':')[0]}@${(await place.run('inspect', `@staging/${tag}`, '-o', 'digest')).stdout.trim()}`
    const pulled = async (
      ...args: readonly string[]
    ): Promise<{ code: number | null; stderr: string; images: unknown }> => {
      const { code, stdout, stderr } = await place.run('k8s', 'prepull', ...args)
      return { code, stderr, images: stdout.match(/(?<=reference: ")[^"]+/g) }
    }
    expect(await pulled('--env', 'staging')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('worker is not deployed'),
      images: [await reference('api:1.5.0'), await reference('web:2.0.0')],
    })
    expect(await pulled('--env', 'staging', 'api:1.4.2')).toMatchObject({
      images: [await reference('api:1.4.2')],
    })
    expect(await pulled(`${host}/staging/api:1.4.2`, '@staging/web')).toMatchObject({
      images: [await reference('api:1.4.2'), await reference('web:2.0.0')],
    })
    expect(await pulled('--env', 'staging', 'worker')).toMatchObject({ code: 1, images: null })
    expect(await pulled('@staging/api:9.9.9')).toMatchObject({ code: 1, images: null })
    expect(await pulled()).toMatchObject({ code: 64, images: null })
  })

  it('requires the registry that the nodes pull from, if there are several', async () => {
    const at = await world().image('api:1.0.0').start()
    const { host } = at.staging
    const place = await warmWorkplace(
      JSON.stringify({
        version: 1,
        environments: {
          prod: {
            targets: [
              { registry: 'none.invalid', path: '{image}' },
              { registry: host, path: 'staging/{image}' },
            ],
          },
        },
        images: { api: {} },
      }),
    )
    const none = await place.run('k8s', 'prepull', '--env', 'prod')
    expect(none).toMatchObject({ code: 64, stdout: '' })
    expect(none.stderr).toContain(`--registry none.invalid or --registry ${host}`)
    const one = await place.json('k8s', 'prepull', '--env', 'prod', '--registry', host)
    expect(one.code).toBe(0)
    expect(JSON.stringify(one.document.result)).toContain(`${host}/staging/api@sha256:`)
    expect(await place.run('k8s', 'prepull', '--env', 'prod', '--registry', 'x.test')).toMatchObject({
      code: 64,
    })
  })
})
