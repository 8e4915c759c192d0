import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { loadTrustedSigner } from '../../../src/signing/trust/load-signer.ts'
import type { SignerSource } from '../../../src/signing/trust/signer.ts'
import { verifyBundle } from '../../../src/signing/trust/verify-bundle.ts'
import { ecKeys } from '../../support/signing/certificates.ts'
import {
  bytesOf,
  contextOf,
  keyBundle,
  pemOf,
  signatureStatement,
  signersIn,
} from '../../support/signing/signed.ts'
import { tempFolder } from '../../support/temp.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/sigstore')
const rootText = readFileSync(join(fixtures, 'public-root.json'), 'utf8')
const [keys, older] = [ecKeys(), ecKeys()]

/** A folder with the files of a signer. */
async function filesOf(files: Readonly<Record<string, string>>): Promise<(name: string) => string> {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return (name) => join(folder, name)
}

function keyless(trustedRoot: string, over: object = {}): Required<SignerSource>['keyless'] {
  const issuer = 'https://token.actions.githubusercontent.com'
  return { issuer, subject: '**', claims: {}, trustedRoot, transparencyLog: 'required', ...over }
}

describe('a signer', () => {
  it('is loaded with its keys, its root and the digests of their bytes', async () => {
    const texts = {
      'new.pub': pemOf(keys.publicKey),
      'old.pub': pemOf(older.publicKey),
      'root.json': rootText,
    }
    const at = await filesOf(texts)
    const signer = await loadTrustedSigner('build', {
      keys: [{ file: at('new.pub') }, { file: at('old.pub'), expires: '2026-06-30' }],
      keyless: keyless(at('root.json'), { subjectRegExp: 'https://.*', claims: { buildTrigger: 'push' } }),
    })
    expect(signer).toMatchObject({
      name: 'build',
      keys: [{ file: at('new.pub') }, { file: at('old.pub'), expiresAt: Date.parse('2026-07-01T00:00:00Z') }],
      keyless: { subject: '**', claims: { buildTrigger: 'push' }, file: at('root.json'), roots: [{}] },
      bytes: Object.values(texts).map((text) => digestOf(text)),
    })
    expect(
      signersIn(
        await verifyBundle(bytesOf(keyBundle(signatureStatement(), older)), 'it', contextOf([signer])),
      ),
    ).toEqual(['build'])
  })

  it('loads @sigstore at the first certificate', async () => {
    const { cache } = createRequire(import.meta.url)
    const isLoaded = () => Object.keys(cache).some((file) => /node_modules[\\/]@sigstore[\\/]/.test(file))
    const at = await filesOf({ 'a.pub': pemOf(keys.publicKey), 'root.json': rootText })
    const signer = await loadTrustedSigner('build', {
      keys: [{ file: at('a.pub') }],
      keyless: keyless(at('root.json')),
    })
    await verifyBundle(bytesOf(keyBundle(signatureStatement(), keys)), 'it', contextOf([signer]))
    expect(isLoaded()).toBe(false)
    const bundle = readFileSync(join(fixtures, 'npm-provenance-v0.1.json'))
    expect(signersIn(await verifyBundle(bundle, 'it', contextOf([signer])))).toEqual(['build'])
    expect(isLoaded()).toBe(true)
  })
})

describe('a signer is a mistake in the configuration if', () => {
  const load = (source: Partial<SignerSource>) => loadTrustedSigner('build', { keys: [], ...source })

  it('its key or root does not exist, is a folder or is too large', async () => {
    const at = await filesOf({ 'large.pub': ' '.repeat(70_000), 'large.json': ' '.repeat(5 * 1024 * 1024) })
    await mkdir(at('folder'))
    for (const name of ['missing', 'folder', 'large.pub']) {
      await expect(load({ keys: [{ file: at(name) }] })).rejects.toMatchObject({
        code: 'config',
        subject: at(name),
      })
    }
    for (const name of ['missing', 'folder', 'large.json']) {
      await expect(load({ keyless: keyless(at(name)) })).rejects.toMatchObject({
        code: 'config',
        subject: at(name),
      })
    }
  })

  it.each([
    ['its expression does not compile', { subjectRegExp: '(' }, 'is not a regular expression'],
    ['its expression has a look-ahead', { subjectRegExp: 'a(?=b)' }, 'is not a regular expression'],
    ['a claim is unknown', { claims: { runnerEnviroment: 'x' } }, 'there is no claim "runnerEnviroment"'],
    [
      'a claim is a field of every object',
      { claims: { constructor: 'x' } },
      'there is no claim "constructor"',
    ],
    ['it has no subject', { subject: undefined }, 'keyless needs subject or subjectRegExp'],
  ])('%s', async (_, over, message) => {
    const at = await filesOf({ 'root.json': rootText })
    await expect(load({ keyless: keyless(at('root.json'), over) })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(message),
    })
  })

  it('its root is garbage', async () => {
    const at = await filesOf({ 'root.json': 'garbage' })
    await expect(load({ keyless: keyless(at('root.json')) })).rejects.toMatchObject({
      code: 'config',
      message: 'the trusted root is not JSON',
    })
  })
})
