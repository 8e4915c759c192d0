import { generateKeyPairSync } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { canonicalJson } from '../../src/plan/canonical-json.ts'
import { type Carrier, carrier } from '../support/bundles/carrier.ts'
import { image } from '../support/images.ts'
import { warmDray } from '../support/program.ts'

const receiptFile = 'base.tar.receipt.json'

/** Writes `NAME.pem` and `NAME.pub.pem`. */
async function writeKeys(folder: string, name: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeFile(join(folder, `${name}.pem`), privatePem, { mode: 0o600 })
  await writeFile(join(folder, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }))
}

/** A destination that signs, to which a bundle was applied. */
async function signedWorld(): Promise<Carrier> {
  const world = await carrier()
  const { folder, source } = world
  await writeKeys(folder, 'own')
  await writeKeys(folder, 'other')
  await writeFile(
    join(folder, 'dray.yaml'),
    JSON.stringify({ version: 1, audit: { sign: { key: 'own.pem' } } }),
  )
  await source.oracle.push(image({ label: 'one' }), 'a', '1')
  await world.create('base.tar', ['a:1'])
  const ended = await world.apply('base.tar')
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  await source.oracle.push(image({ label: 'two' }), 'a', '2')
  return world
}

type Edited = Record<string, unknown>

/** Edits a receipt as a person does who knows the format: the hash fits again. */
async function edit({ folder }: Carrier, change: (receipt: Edited) => Edited): Promise<void> {
  const {
    hash: _hash,
    signature,
    ...receipt
  } = JSON.parse(await readFile(join(folder, receiptFile), 'utf8')) as Edited
  const { signature: kept = signature, ...edited } = change(receipt)
  const whole = {
    ...edited,
    hash: digestOf(canonicalJson(edited)),
    ...(kept !== null && { signature: kept }),
  }
  await writeFile(join(folder, 'edited.json'), `${canonicalJson(whole)}\n`)
}

const create = (world: Carrier, ...flags: readonly string[]) =>
  warmDray(['bundle', 'create', 'next.tar', `${world.source.host}/a:2`, ...flags], {
    cwd: world.folder,
    env: world.env,
  })

describe('the signature of a receipt', () => {
  it('is verified by the key in dray.yaml', async () => {
    await using world = await signedWorld()
    expect(await create(world, '--since', receiptFile)).toMatchObject({ code: 0, stderr: '' })
    expect(await world.apply('next.tar', '--base', receiptFile)).toMatchObject({ code: 0 })
  })

  it('does not fit a receipt that was edited', async () => {
    await using world = await signedWorld()
    expect(await create(world, '--since', receiptFile)).toMatchObject({ code: 0 })
    await edit(world, (receipt) => ({ ...receipt, present: [] }))
    for (const ended of [
      await create(world, '--since', 'edited.json'),
      await world.apply('next.tar', '--base', 'edited.json'),
    ]) {
      expect(ended, ended.stderr).toMatchObject({ code: 3 })
      expect(ended.stderr).toContain('the signature of the receipt edited.json is not verified')
    }
  })

  it('may not be removed where dray signs its receipts', async () => {
    await using world = await signedWorld()
    await create(world, '--since', receiptFile)
    await edit(world, (receipt) => ({ ...receipt, signature: null }))
    const ended = await world.apply('next.tar', '--base', 'edited.json')
    expect(ended, ended.stderr).toMatchObject({ code: 3 })
    expect(ended.stderr).toContain('it has no signature')
  })

  it('is verified by --key, and required then', async () => {
    await using world = await signedWorld()
    await rm(join(world.folder, 'dray.yaml'))
    await edit(world, (receipt) => ({ ...receipt, signature: null }))
    const key = ['--key', 'own.pub.pem']
    expect(await create(world, '--since', receiptFile, ...key)).toMatchObject({ code: 0, stderr: '' })
    expect(await create(world, '--since', 'edited.json', ...key)).toMatchObject({ code: 3 })
    expect(await create(world, '--since', receiptFile, '--key', 'other.pub.pem')).toMatchObject({ code: 3 })
    expect(await create(world, '--since', 'base.tar', ...key)).toMatchObject({ code: 3 })
  })

  it('is not verified without a key, with a warning', async () => {
    await using world = await signedWorld()
    await rm(join(world.folder, 'dray.yaml'))
    const ended = await create(world, '--since', receiptFile)
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('was not verified, because no key is known')
  })
})
