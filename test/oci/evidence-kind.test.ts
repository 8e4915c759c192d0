import { describe, expect, it } from 'vitest'
import { evidenceKindOf } from '../../src/oci/evidence-kind.ts'

const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const predicate = (type: string) => ({ 'in-toto.io/predicate-type': type })

describe('the kind of evidence', () => {
  it.each([
    ['application/vnd.dev.cosign.artifact.sig.v1+json', {}, 'sig'],
    ['application/vnd.cncf.notary.signature', {}, 'sig'],
    ['application/spdx+json', {}, 'sbom'],
    ['application/vnd.cyclonedx+json', {}, 'sbom'],
    ['application/vnd.syft+json', {}, 'sbom'],
    ['application/sarif+json', {}, 'scan'],
    ['application/vnd.in-toto+json', {}, 'att'],
    ['application/vnd.in-toto+json', predicate('https://spdx.dev/Document'), 'sbom'],
    ['application/vnd.in-toto+json', predicate('https://slsa.dev/provenance/v1'), 'att'],
    ['application/vnd.in-toto+json', predicate('https://cosign.sigstore.dev/attestation/vuln/v1'), 'scan'],
    [bundle, { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' }, 'sig'],
    [bundle, { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' }, 'att'],
    [bundle, { 'dev.sigstore.bundle.content': 'dsse-envelope' }, 'att'],
    [bundle, { 'dev.sigstore.bundle.content': 'message-signature' }, 'sig'],
    ['application/vnd.example.thing', {}, 'other'],
    [undefined, {}, 'other'],
  ] as const)('%s %j is %s', (artifactType, annotations, kind) => {
    expect(evidenceKindOf(artifactType, annotations)).toBe(kind)
  })
})
