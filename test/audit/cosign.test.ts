import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { formatPromotion } from '../../src/audit/attestation/promotion-statement.ts'
import { readAttestations } from '../../src/audit/attestation/read-attestations.ts'
import { loadVerifyKey } from '../../src/signing/signing-keys.ts'
import { parseDescriptor } from '../../src/oci/descriptor.ts'
import { embedded, newCall, openStores } from '../registry/client/world.ts'
import { attachAndList, newKeys, promotionOf } from '../support/attestations.ts'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { gateResults } from '../support/gates/gate-results.ts'
import { image } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'

const cosign = tools('cosign')
const type = 'urn:dray:promotion:v1'
const run = promisify(execFile)

/** Runs cosign with its own home, so that it neither reads nor writes the user's files. */
async function runCosign(folder: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: '', NO_PROXY: '127.0.0.1' }
  return (await run('cosign', args, { env, cwd: folder, timeout: 20_000 })).stdout
}

function verifyWithCosign(folder: string, key: string, reference: string): Promise<string> {
  const offline = ['--new-bundle-format', '--insecure-ignore-tlog', '--allow-http-registry']
  return runCosign(folder, 'verify-attestation', '--key', key, ...offline, '--type', type, reference)
}

type RegistryName = 'docker-registry' | 'oci-1.1' | 'docker-registry-2.8'

/** A registry with an image in it under `prod/api:1.4.2`. */
async function registryWithImage(name: RegistryName) {
  const api = image({ label: 'api' })
  if (name === 'docker-registry') {
    const registry = await startDockerRegistry()
    onTestFinished(() => registry.stop())
    await new Oracle(registry.url).push(api, 'prod/api', '1.4.2')
    return { host: registry.host, api }
  }
  const { registry, push } = await embedded({ profile: name })
  await push(api, 'prod/api', '1.4.2')
  return { host: registry, api }
}

const registries: readonly RegistryName[] = [
  'oci-1.1',
  'docker-registry-2.8',
  ...(dockerRegistry.available ? (['docker-registry'] as const) : []),
]

describe.skipIf(!cosign.available).each(registries)(`cosign at %s${cosign.note}`, (name) => {
  it.each(['ecdsa-p256', 'ed25519'] as const)(
    'verifies an attestation by a key of %s, beside an unsigned one and one by another key',
    async (kind) => {
      const { host, api } = await registryWithImage(name)
      const folder = await tempFolder()
      const [ours, other] = [newKeys(kind), newKeys()]
      const store = openStores().target({ registry: host, path: 'prod/api' })
      const subject = parseDescriptor(api.root, 'the image')
      const promotion = promotionOf(api.root.digest, { gates: gateResults })
      await attachAndList(store, { promotion, subject }, newCall())
      await attachAndList(store, { promotion, subject, key: other.signing }, newCall())
      const reference = `${host}/prod/api@${api.root.digest}`
      await writeFile(join(folder, 'ours.pub'), ours.verify.publicKeyPem)
      const before = verifyWithCosign(folder, 'ours.pub', reference)
      await expect(before).rejects.toThrow('Command failed: cosign verify-attestation')
      await attachAndList(store, { promotion, subject, key: ours.signing }, newCall())
      const verified = JSON.parse(await verifyWithCosign(folder, 'ours.pub', reference)) as {
        payload: string
      }
      expect(Buffer.from(verified.payload, 'base64')).toEqual(Buffer.from(formatPromotion(promotion)))
    },
  )

  it('writes an attestation of the same predicate, which dray verifies', async () => {
    const { host, api } = await registryWithImage(name)
    const folder = await tempFolder()
    const promotion = promotionOf(api.root.digest)
    const statement = Buffer.from(formatPromotion(promotion)).toString()
    const { predicate } = JSON.parse(statement) as { predicate: unknown }
    await writeFile(join(folder, 'predicate.json'), JSON.stringify(predicate))
    await runCosign(folder, 'generate-key-pair')
    const how = ['--key', 'cosign.key', '--use-signing-config=false', '--tlog-upload=false', '--yes']
    const what = ['--allow-http-registry', '--type', type, '--predicate', 'predicate.json']
    await runCosign(folder, 'attest', ...how, ...what, `${host}/prod/api@${api.root.digest}`)
    const store = openStores().source({ registry: host, path: 'prod/api' })
    const key = await loadVerifyKey(join(folder, 'cosign.pub'))
    const found = await readAttestations(store, promotion.digest, [key], newCall())
    expect(found.map((one) => [one.status, one.promotion])).toEqual([['verified', promotion]])
  })
})
