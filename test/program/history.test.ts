import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadSigningKey } from '../../src/signing/signing-keys.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { attestationContent, claimedAttestation, newKeys, promotionOf } from '../support/attestations.ts'
import { type Content, image } from '../support/images.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const v1 = image({ label: 'v1' })
const v2 = image({ label: 'v2' })

interface Place {
  readonly registry: WatchedRegistry
  readonly here: Workplace
  promote(image: string, from: string, to: string, ...more: readonly string[]): Promise<void>
  /** `dray history` with `--json`: the rows */
  rows(...words: readonly string[]): Promise<readonly Row[]>
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

/** dev, staging and prod in one registry, `api:1.0.0` in dev; promotions are attested with `key.pem`. */
async function place(profile: ProfileName): Promise<Place> {
  const registry = await watchedRegistry(profile)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  await registry.oracle.push(v1, 'dev/api', '1.0.0')
  const at = (path: string) => ({ registry: registry.host, path: `${path}/{image}` })
  const here = await workplace(
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
  await writeFile(join(here.folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(here.folder, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
  return {
    registry,
    here,
    promote: async (name, from, to, ...more) => {
      const ended = await here.run('promote', name, '--from', from, '--to', to, '--yes', ...more)
      expect(ended).toMatchObject({ code: 0 })
    },
    rows: async (...words) => {
      const { code, document } = await here.json('history', ...words)
      expect(code).toBe(0)
      return (document.result as unknown as { rows: readonly Row[] }).rows
    },
  }
}

const key = ['--key', 'key.pub.pem'] as const
const brief = (rows: readonly Row[]): readonly string[] =>
  rows.map(({ status, from, to, tags }) => {
    const way = `${from?.environment ?? ''}>${to.environment}`
    return [status, way, ...tags.map(({ tag, now }) => `${tag} ${now}`)].join(' ')
  })

/** The signed bundle of a promotion to prod, with a word of its statement changed. */
function forged(bundle: string): Content {
  const body = JSON.parse(bundle) as { dsseEnvelope: { payload: string } }
  const said = Buffer.from(body.dsseEnvelope.payload, 'base64').toString()
  const payload = Buffer.from(said.replaceAll('"ada"', '"eve"')).toString('base64')
  expect(payload).not.toBe(body.dsseEnvelope.payload)
  return claimedAttestation(v1, JSON.stringify({ ...body, dsseEnvelope: { ...body.dsseEnvelope, payload } }))
}

/** What another than this program attests: `api:1.0.0` from staging to prod. */
function promotionAt({ registry: { host } }: Place) {
  const [staging, prod] = ['staging/api', 'prod/api'].map((path) => ({ registry: host, path }))
  if (staging === undefined || prod === undefined) throw new Error('there are two')
  return promotionOf(v1.root.digest, {
    from: { repository: staging },
    to: { repository: prod },
    tags: [{ tag: '1.0.0', before: null }],
  })
}

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('the history at %s', (profile) => {
  it('shows the way of an image from one environment to the next, verified by the key', async () => {
    const at = await place(profile)
    await at.promote('api:1.0.0', 'dev', 'staging', '--reason', 'a release')
    await at.promote('api:1.0.0', 'staging', 'prod')
    const way = ['verified dev>staging 1.0.0 same', 'verified staging>prod 1.0.0 same']
    for (const word of ['api', 'api:1.0.0', `@prod/api@${v1.root.digest}`, `${at.registry.host}/prod/api`])
      expect(brief(await at.rows(word, ...key)), word).toEqual(way)
    expect(await at.rows('api', ...key)).toMatchObject([
      { image: v1.root.digest, actor: 'ada', reason: 'a release' },
      { image: v1.root.digest, actor: 'ada' },
    ])
    expect(brief(await at.rows('api'))).toEqual(way.map((row) => row.replace('verified', 'unchecked')))

    const text = await at.here.run('history', 'api', ...key)
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(3)
    expect(text.stdout).toMatch(/verified .*dev -> staging .*1\.0\.0/)
    expect(text.stdout).toMatch(/verified .*staging -> prod .*1\.0\.0/)
  })

  it('shows what a tag stood on before, and that it has moved', async () => {
    const at = await place(profile)
    await at.registry.oracle.push(v1, 'dev/api', 'stable')
    await at.promote('api:stable', 'dev', 'staging')
    await at.registry.oracle.push(v2, 'dev/api', 'stable')
    await at.promote('api:stable', 'dev', 'staging')
    expect(brief(await at.rows('api:stable', ...key))).toEqual([
      'verified dev>staging stable moved',
      'verified dev>staging stable same',
    ])
  })

  it('shows unsigned, foreign, tampered and missing attestations as what they are', async () => {
    const at = await place(profile)
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
    const ours = attestationContent(v1, promotion, await loadSigningKey(join(at.here.folder, 'key.pem')))
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
    // what is forged may say what it likes: the status says what it is worth
    expect(rows.find(({ status }) => status === 'bad')?.actor).toBe('eve')

    await put(ours)
    expect((await at.rows('api', ...key)).filter(({ status }) => status === 'verified')).toHaveLength(1)
    const text = await at.here.run('history', 'api', ...key)
    for (const status of ['bad', 'foreign', 'missing', 'unreadable', 'unsigned', 'verified'])
      expect(text.stdout).toContain(status)
  })
})

it('the history of what is nowhere is not found, and a key that is none is told by its name', async () => {
  const at = await place('oci-1.1')
  expect(await at.here.run('history', 'nothing:1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the image is in none of the environments'),
  })
  await writeFile(join(at.here.folder, 'no-key.pem'), 'nothing')
  expect(await at.here.run('history', 'api', '--key', 'no-key.pem')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no-key.pem'),
  })
  const secret = readFileSync(join(at.here.folder, 'key.pem'), 'utf8').split('\n')[1] ?? ''
  const swapped = await at.here.run('history', 'api', '--key', 'key.pem')
  expect(swapped.stdout + swapped.stderr).not.toContain(secret)
})
