import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { verifyImage } from '../../scripts/release/image/verify/verify-image.ts'
import { describeEachRegistry } from '../support/each-registry.ts'
import { parseSigningKey } from '../../src/signing/signing-keys.ts'
import { program } from '../support/program-command.ts'
import { warmDray } from '../support/program.ts'
import { imageInputs, writeImage } from '../support/release/fake-image.ts'
import { tempFolder } from '../support/temp.ts'
import { watchedRegistry } from '../support/world.ts'

describeEachRegistry('dray publishes the image', (registry) => {
  it('with its digest and its attached artifacts, and tags it', async () => {
    const { folder, root } = await writeImage()
    const { host, oracle } = registry()
    const run = async (...args: readonly string[]): Promise<void> => {
      const home = await tempFolder()
      const ended = await warmDray(args, { env: { HOME: home }, cwd: home })
      expect(ended.code, ended.stderr).toBe(0)
    }
    await run('copy', `oci:${folder}:1.4.0`, `${host}/acme/dray:1.4.0`, '--yes')
    await run('tag', `${host}/acme/dray:1.4.0`, '1.4.0', '--yes')
    expect(await oracle.digest('acme/dray', '1.4.0')).toBe(root)
    expect(await oracle.digest('acme/dray', '1.4')).toBe(root)
    const index = JSON.parse(readFileSync(join(folder, 'blobs', ...root.split(':')), 'utf8')) as {
      manifests: readonly { digest: string }[]
    }
    for (const digest of [root, ...index.manifests.map((one) => one.digest)])
      expect(await oracle.referrers('acme/dray', digest)).toHaveLength(2)
    expect(await oracle.complaints('acme/dray', '1.4.0')).toEqual([])
  })
})

it('the image passes gates for its SBOMs and provenance by the key of the release', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const { folder } = await writeImage(imageInputs({ key: parseSigningKey(pem, 'key') }))
  await using registry = await watchedRegistry()
  const home = await tempFolder()
  const run = (...args: readonly string[]) => warmDray(args, { env: { HOME: home }, cwd: home })
  writeFileSync(join(home, 'release.pub'), publicKey.export({ format: 'pem', type: 'spki' }))
  writeFileSync(
    join(home, 'dray.yaml'),
    `version: 1
signers:
  release: { keys: [release.pub] }
environments:
  staging: { registry: ${registry.host}, path: 'staging/{image}' }
  prod:
    registry: ${registry.host}
    path: prod/{image}
    promoteFrom: [staging]
    gates:
      - name: sbom
        sbom: { signedBy: [release], minComponents: 5 }
      - name: provenance
        attestation: { type: 'https://slsa.dev/provenance/v1', signedBy: [release] }
`,
  )
  const copied = await run('copy', `oci:${folder}:1.4.0`, `${registry.host}/staging/dray:1.4.0`, '--yes')
  expect(copied.code, copied.stderr).toBe(0)
  const checked = await run('check', 'dray:1.4.0', '--to', 'prod')
  expect(checked.code, checked.stdout + checked.stderr).toBe(0)
  expect(checked.stdout).toContain('Checked 1 image: 1 pass.')
})

it('the checks of a release verify the image, and name those that this machine cannot run', async () => {
  const { folder } = await writeImage()
  vi.stubEnv('PATH', await tempFolder())
  onTestFinished(() => void vi.unstubAllEnvs())
  const { passed, skipped } = await verifyImage(folder, '1.4.0', program)
  expect(passed).toEqual([
    'every file in the layout has its digest',
    'dray publishes the image with its attached artifacts, and tags it',
  ])
  expect(skipped).toHaveLength(4)
  expect(skipped[1]).toBe('umoci unpacks both platforms: skopeo and umoci not installed')
})

it('the checks of a release refuse an image with a damaged blob', async () => {
  const { folder, root } = await writeImage()
  appendFileSync(join(folder, 'blobs', ...root.split(':')), ' ')
  await expect(verifyImage(folder, '1.4.0', program)).rejects.toThrow(
    'every file in the layout has its digest',
  )
})
