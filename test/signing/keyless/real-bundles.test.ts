import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KeylessTrust } from '../../../src/signing/trust/signer.ts'
import { verifyBundle } from '../../../src/signing/trust/verify-bundle.ts'
import { contextOf, keylessSigner, signersIn } from '../../support/signing/signed.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/sigstore', name))
const rootOf = (name: string): unknown => JSON.parse(read(name).toString())

function verify(bundle: string, trust: Partial<KeylessTrust>, root = 'public-root.json') {
  return verifyBundle(
    read(bundle),
    'it',
    contextOf([keylessSigner([rootOf(root)], trust)], { image: 'sigstore-js' }),
  )
}

describe('a bundle of the public instance', () => {
  it('by npm, v0.1, verifies', async () => {
    const subject = 'https://github.com/sigstore/{image}/.github/workflows/release.yml@refs/heads/main'
    const claims = {
      runnerEnvironment: 'github-hosted',
      buildTrigger: 'push',
      githubWorkflowRef: 'refs/heads/main',
    }
    expect(await verify('npm-provenance-v0.1.json', { subject, claims })).toMatchObject({
      content: { kind: 'statement', predicateType: 'https://slsa.dev/provenance/v1' },
      signers: [{ signer: 'build', time: Date.parse('2023-08-29T15:40:23Z') }],
      problems: [],
    })
  })

  it('by a reusable workflow of GitHub, v0.3, verifies with the URI of its signer', async () => {
    const subject = 'https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml@*'
    const verdict = await verify('github-reusable-workflow-v0.3.json', { subject })
    expect(signersIn(verdict)).toEqual(['build'])
  })

  it('of an issuer whose name begins with the one in the configuration is no signer', async () => {
    const { signers, problems } = await verify('github-custom-issuer-v0.3.json', { subject: '**' })
    expect(signers).toEqual([])
    expect(problems.join()).toContain(
      '(https://token.actions.githubusercontent.com/hammer-time), which matches no signer: build: the issuer is not https://token.actions.githubusercontent.com',
    )
    const issuer = 'https://token.actions.githubusercontent.com/hammer-time'
    expect(signersIn(await verify('github-custom-issuer-v0.3.json', { subject: '**', issuer }))).toEqual([
      'build',
    ])
  })

  it('with an entry of Rekor v2 verifies by its timestamp', async () => {
    const verdict = await verify('rekor2-v0.3.json', { subject: '**' }, 'staging-root.json')
    expect(verdict).toMatchObject({ signers: [{ signer: 'build' }], problems: [] })
    expect(verdict.signers[0]?.time).toBeGreaterThan(Date.parse('2026-05-13T19:23:32Z'))
  })

  it('does not verify against the root of another instance', async () => {
    expect((await verify('rekor2-v0.3.json', { subject: '**' })).signers).toEqual([])
    expect(
      (await verify('npm-provenance-v0.1.json', { subject: '**' }, 'staging-root.json')).signers,
    ).toEqual([])
  })
})
