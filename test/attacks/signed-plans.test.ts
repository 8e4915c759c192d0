import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, afterAll, describe, expect, it } from 'vitest'
import { signPlan } from '../../src/audit/attestation/plan-signature.ts'
import { canonicalJson } from '../../src/plan/canonical-json.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { loadSigningKey } from '../../src/signing/signing-keys.ts'
import { type EditablePlan, editPlan } from '../support/edited-plans.ts'
import { sha256 } from '../support/images.ts'
import { newest, PlanRepositories } from '../support/plan-repositories.ts'
import type { Workplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

type Kind = 'ed25519' | 'ecdsa-p256'

let world: PlanRepositories
beforeAll(async () => {
  world = new PlanRepositories(await watchedRegistry())
})
afterAll(async () => {
  await world.registry[Symbol.asyncDispose]()
})

async function writeKeys(folder: string, name: string, kind: Kind): Promise<void> {
  const { privateKey, publicKey } =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  await writeFile(join(folder, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(join(folder, `${name}.pub.pem`), publicKey.export({ format: 'pem', type: 'spki' }))
}

/** A folder whose dray.yaml signs, with a saved plan and another key pair. */
async function signing(kind: Kind = 'ed25519'): Promise<Workplace & { readonly name: string }> {
  const name = world.nextImage()
  const project = await world.place(name)
  await writeKeys(project.folder, 'plans', kind)
  await writeKeys(project.folder, 'other', kind)
  const config = JSON.parse(world.configOf(name)) as object
  const audit = { sign: { key: 'plans.pem' } }
  await writeFile(join(project.folder, 'dray.yaml'), JSON.stringify({ ...config, audit }))
  const made = await project.run('tag', `@prod/${name}:1.5.0`, '--tags', 'stable', '--out', 'plan.json')
  expect(made.code, made.stderr).toBe(0)
  return { ...project, name }
}

const apply = (...more: readonly string[]): readonly string[] => ['apply', 'plan.json', '--yes', ...more]

describe('a plan that is saved with audit.sign.key', () => {
  it.each<Kind>(['ed25519', 'ecdsa-p256'])('is signed, and applied with its key: %s', async (kind) => {
    const project = await signing(kind)
    const shown = await project.run('plan', 'show', 'plan.json', '--key', 'plans.pub.pem')
    expect(shown).toMatchObject({ code: 0, stderr: expect.stringContaining('is signed with a key of --key') })
    const keys = ['--key', 'other.pub.pem', '--key', 'plans.pub.pem']
    expect(await project.run(...apply(...keys))).toMatchObject({ code: 0 })
    expect(await world.registry.oracle.digest(`prod/${project.name}`, 'stable')).toBe(newest.root.digest)
  })

  it('can be applied without --key', async () => {
    const project = await signing()
    expect(await project.run(...apply())).toMatchObject({ code: 0 })
  })

  it('by an earlier version has former names, and is applied with its own hash', async () => {
    const project = await signing()
    const path = join(project.folder, 'plan.json')
    await project.run('promote', `${project.name}:1.4.2`, '--from', 'staging', '--to', 'prod', '--out', path)
    const {
      signature: _signature,
      hash: _hash,
      ...plan
    } = JSON.parse(await readFile(path, 'utf8')) as Plan & {
      hash: string
      signature: unknown
    }
    const placements = plan.placements.map(({ keptTags, ...one }) => ({ ...one, held: keptTags }))
    expect(placements).toMatchObject([{ held: [{ tag: '1' }, { tag: 'latest' }] }])
    const former = { ...plan, placements }
    const key = await loadSigningKey(join(project.folder, 'plans.pem'))
    const hash = sha256(canonicalJson(former))
    const signature = signPlan(former, key)
    await writeFile(path, JSON.stringify({ ...former, hash, signature }))
    const applied = await project.json(...apply('--key', 'plans.pub.pem'))
    expect(applied).toMatchObject({ code: 0, document: { result: { plan: hash } } })
    expect(await readFile(project.auditFile, 'utf8')).toContain(`"plan":"${hash}"`)
  })

  it('is saved unsigned, with a warning, if the key is missing', async () => {
    const project = await signing()
    await writeFile(join(project.folder, 'plans.pem'), 'not a key')
    const made = await project.run('tag', `@prod/${project.name}:1.5.0`, '--tags', 'qa', '--out', 'plan.json')
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('without a signature') })
    expect(await project.run(...apply('--key', 'plans.pub.pem'))).toMatchObject({ code: 3 })
  })
})

describe('with --key, apply and plan show refuse', () => {
  interface Signed {
    signature?: { payloadType: string; signatures: { sig: string }[] }
  }
  const withSignature = (edit: (file: Signed) => void) => async (project: Workplace) => {
    const path = join(project.folder, 'plan.json')
    const file = JSON.parse(await readFile(path, 'utf8')) as Signed
    edit(file)
    await writeFile(path, JSON.stringify(file))
  }

  it.each<readonly [string, (project: Workplace) => Promise<void>]>([
    ['no signature', withSignature((file) => delete file.signature)],
    ['an empty signature', withSignature((file) => (file.signature = { payloadType: '', signatures: [] }))],
    ['a signature that is none', withSignature((file) => Object.assign(file, { signature: 'AAAA' }))],
    [
      'a signature of another kind of payload',
      withSignature((file) => Object.assign(file.signature ?? {}, { payloadType: 'application/json' })),
    ],
    [
      'a damaged signature',
      withSignature((file) => Object.assign(file.signature ?? {}, { signatures: [{ sig: 'AAAA' }] })),
    ],
    [
      'a change with a new hash',
      (project) =>
        editPlan<EditablePlan>(project.folder, 'plan.json', 'plan.json', (plan) => {
          for (const { to } of plan.placements) to.tag = 'changed'
        }),
    ],
  ])('a plan with %s', async (_, edit) => {
    const project = await signing()
    await edit(project)
    world.registry.forget()
    for (const args of [
      apply('--key', 'plans.pub.pem'),
      ['plan', 'show', 'plan.json', '-k', 'plans.pub.pem'],
    ])
      expect(await project.run(...args)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('has no valid signature'),
      })
    expect(world.registry.requests).toEqual([])
  })

  it('a plan that another key signed', async () => {
    const project = await signing()
    world.registry.forget()
    expect(await project.run(...apply('--key', 'other.pub.pem'))).toMatchObject({ code: 3 })
    expect(world.registry.requests).toEqual([])
  })
})
