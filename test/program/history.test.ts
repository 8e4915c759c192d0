import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadSigningKey } from '../../src/signing/signing-keys.ts'
import { attestationContent, claimedAttestation, newKeys, promotionOf } from '../support/attestations.ts'
import { type Content, image } from '../support/images.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const v1 = image({ label: 'v1' })

interface Place {
  readonly registry: WatchedRegistry
  readonly project: Workplace
  promote(image: string, from: string, to: string, ...flags: readonly string[]): Promise<void>
  /** the rows of `dray history --json` */
  rows(...args: readonly string[]): Promise<readonly Row[]>
}

interface Row {
  readonly status: string
  readonly why?: string
  readonly image: string
  readonly from?: { readonly environment?: string }
  readonly to: { readonly environment?: string }
  readonly tags: readonly { readonly tag: string; readonly now: string }[]
  readonly actor?: string
  readonly reason?: string
  readonly attestation?: string
}

/** dev, staging and prod in one registry, with `api:1.0.0` in dev and attested promotions. */
async function place(): Promise<Place> {
  const registry = await watchedRegistry()
  onTestFinished(() => registry[Symbol.asyncDispose]())
  await registry.oracle.push(v1, 'dev/api', '1.0.0')
  const at = (path: string) => ({ registry: registry.host, path: `${path}/{image}` })
  const project = await warmWorkplace(
    JSON.stringify({
      version: 1,
      environments: {
        dev: at('dev'),
        staging: { ...at('staging'), promoteFrom: ['dev'], attest: true },
        prod: { ...at('prod'), promoteFrom: ['staging'], attest: true },
      },
      audit: { sign: { key: 'key.pem' } },
    }),
    { GITHUB_ACTIONS: 'true', GITHUB_ACTOR: 'ada' },
  )
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  await writeFile(join(project.folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(project.folder, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
  return {
    registry,
    project,
    promote: async (name, from, to, ...flags) => {
      const ended = await project.run('promote', name, '--from', from, '--to', to, '--yes', ...flags)
      expect(ended).toMatchObject({ code: 0 })
    },
    rows: async (...args) => {
      const { code, document } = await project.json('history', ...args)
      expect(code).toBe(0)
      return (document.result as unknown as { rows: readonly Row[] }).rows
    },
  }
}

const key = ['--key', 'key.pub.pem'] as const
const brief = (rows: readonly Row[]): readonly string[] =>
  rows.map(({ status, from, to, tags }) => {
    const route = `${from?.environment ?? ''}>${to.environment}`
    return [status, route, ...tags.map(({ tag, now }) => `${tag} ${now}`)].join(' ')
  })

/** Changes the actor in the signed bundle of a promotion. */
function forged(bundle: string): Content {
  const body = JSON.parse(bundle) as { dsseEnvelope: { payload: string } }
  const statement = Buffer.from(body.dsseEnvelope.payload, 'base64').toString()
  const payload = Buffer.from(statement.replaceAll('"ada"', '"eve"')).toString('base64')
  expect(payload).not.toBe(body.dsseEnvelope.payload)
  return claimedAttestation(v1, JSON.stringify({ ...body, dsseEnvelope: { ...body.dsseEnvelope, payload } }))
}

/** A promotion of `api:1.0.0` from staging to prod that another program attests. */
function promotionAt({ registry: { host } }: Place) {
  const [staging, prod] = ['staging/api', 'prod/api'].map((path) => ({ registry: host, path }))
  if (staging === undefined || prod === undefined) throw new Error('unreachable')
  return promotionOf(v1.root.digest, {
    from: { repository: staging },
    to: { repository: prod },
    tags: [{ tag: '1.0.0', before: null }],
  })
}

describe('dray history', () => {
  it('shows each promotion of an image with its verified attestation', async () => {
    const at = await place()
    await at.promote('api:1.0.0', 'dev', 'staging', '--reason', 'a release')
    await at.promote('api:1.0.0', 'staging', 'prod')
    const promotions = ['verified dev>staging 1.0.0 same', 'verified staging>prod 1.0.0 same']
    for (const argument of [
      'api',
      'api:1.0.0',
      `@prod/api@${v1.root.digest}`,
      `${at.registry.host}/prod/api`,
    ])
      expect(brief(await at.rows(argument, ...key)), argument).toEqual(promotions)
    expect(await at.rows('api', ...key)).toMatchObject([
      { image: v1.root.digest, actor: 'ada', reason: 'a release' },
      { image: v1.root.digest, actor: 'ada' },
    ])
    expect(brief(await at.rows('api'))).toEqual(promotions.map((row) => row.replace('verified', 'unchecked')))

    const text = await at.project.run('history', 'api', ...key)
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(3)
    expect(text.stdout).toMatch(/verified .*dev -> staging .*1\.0\.0/)
    expect(text.stdout).toMatch(/verified .*staging -> prod .*1\.0\.0/)
  })

  it('shows the status of unsigned, foreign, changed and missing attestations', async () => {
    const at = await place()
    const { oracle } = at.registry
    await at.promote('api:1.0.0', 'dev', 'staging', '--no-attest')
    expect(brief(await at.rows('api', ...key))).toEqual(['missing >staging 1.0.0 same'])

    await at.promote('api:1.0.0', 'staging', 'prod', '--no-attest')
    const promotion = promotionAt(at)
    const put = (content: Content) => oracle.push(content, 'prod/api')
    await put(attestationContent(v1, promotion))
    expect(brief(await at.rows('api', ...key))).toEqual([
      'unsigned staging>prod 1.0.0 same',
      'missing >staging 1.0.0 same',
    ])
    await put(attestationContent(v1, promotion, newKeys().signing))
    const ours = attestationContent(v1, promotion, await loadSigningKey(join(at.project.folder, 'key.pem')))
    const [bundle] = ours.blobs.values()
    await put(forged(Buffer.from(bundle ?? '').toString()))
    await put(claimedAttestation(v1, 'nothing that can be read'))
    const rows = await at.rows('api', ...key)
    expect(rows.map(({ status }) => status).toSorted()).toEqual([
      'bad',
      'foreign',
      'missing',
      'unreadable',
      'unsigned',
    ])
    const why = (status: string): string | undefined => rows.find((row) => row.status === status)?.why
    expect(why('bad')).toContain('signature')
    expect(why('foreign')).toContain('signed by the key')
    // The content of a forged attestation is shown together with its status.
    expect(rows.find(({ status }) => status === 'bad')?.actor).toBe('eve')

    await put(ours)
    expect((await at.rows('api', ...key)).filter(({ status }) => status === 'verified')).toHaveLength(1)
    const text = await at.project.run('history', 'api', ...key)
    for (const status of ['bad', 'foreign', 'missing', 'unreadable', 'unsigned', 'verified'])
      expect(text.stdout).toContain(status)
  })
})

it('the history of an unknown image and an invalid key are errors that name them', async () => {
  const at = await place()
  expect(await at.project.run('history', 'nothing:1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no environment has the image'),
  })
  await writeFile(join(at.project.folder, 'no-key.pem'), 'nothing')
  expect(await at.project.run('history', 'api', '--key', 'no-key.pem')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no-key.pem'),
  })
  const secret = readFileSync(join(at.project.folder, 'key.pem'), 'utf8').split('\n')[1] ?? ''
  const swapped = await at.project.run('history', 'api', '--key', 'key.pem')
  expect(swapped.stdout + swapped.stderr).not.toContain(secret)
})
