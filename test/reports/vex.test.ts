import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/oci/json.ts'
import { isVexDocument, isVexPredicate, parseVex } from '../../src/reports/parse-vex.ts'
import type { VexStatement } from '../../src/reports/vex.ts'
import { outcomeOf } from '../support/error-code.ts'
import {
  editedReport,
  type Edits,
  otherImage,
  refusalOf,
  report,
  reportText,
  scannedImage,
} from '../support/reports.ts'

const issuedAt = Date.parse('2026-11-24T17:00:00.5Z')
const libssl = 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64&distro=3.20.1'
const busybox = 'pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=3.20.1'

function statements(folder: string, edits: Edits = {}): readonly VexStatement[] {
  return parseVex(editedReport(`${folder}/statements.json`, edits)).statements
}

describe.each(['openvex', 'cyclonedx-vex'])('a VEX document of the format %s', (folder) => {
  it('has the status, justification, time and aliases of each vulnerability', () => {
    const justification = folder === 'openvex' ? 'vulnerable_code_not_in_execute_path' : 'code_not_reachable'
    expect(
      statements(folder).map(({ vulnerability, aliases, status, justification: reason, time }) => ({
        id: vulnerability.slice(-4),
        aliases,
        status,
        time,
        ...(reason !== undefined && { justification: reason }),
      })),
    ).toEqual([
      { id: '0001', aliases: [], status: 'not_affected', justification, time: issuedAt },
      { id: '0002', aliases: [], status: 'fixed', time: Date.parse('2026-11-23T08:00:00Z') },
      { id: '0003', aliases: [], status: 'under_investigation', time: issuedAt },
      // Text for people is no justification.
      { id: '0004', aliases: [], status: 'not_affected', time: issuedAt },
      { id: '0006', aliases: ['GHSA-4v7x-pqxf-cx7m'], status: 'affected', time: issuedAt },
    ])
  })

  it('is about the image and its packages', () => {
    const [first, second, third] = statements(folder)
    expect(first?.products).toMatchObject([{ digests: [scannedImage.manifest], subcomponents: [libssl] }])
    expect(first?.products[0]?.ids.join()).toContain('pkg:oci/api@sha256%3A')
    expect(second?.products).toMatchObject([{ digests: [scannedImage.manifest], subcomponents: [busybox] }])
    expect(third?.products).toMatchObject([{ digests: [scannedImage.manifest], subcomponents: [] }])
  })

  it('about another image names that image', () => {
    const { statements: others } = parseVex(report(`${folder}/other-image.json`))
    expect(new Set(others.flatMap(({ products }) => products.flatMap(({ digests }) => digests)))).toEqual(
      new Set([otherImage.manifest]),
    )
  })

  it('is refused if it is truncated', () => {
    const text = reportText(`${folder}/truncated.txt`)
    expect(outcomeOf(() => parseJson(text, 'the VEX document', 100))).toBe('malformed')
  })

  it('says that it is one', () => {
    expect(isVexDocument(report(`${folder}/statements.json`))).toBe(true)
  })
})

describe('OpenVEX', () => {
  it.each([
    [
      'a newer version',
      { '/@context': 'https://openvex.dev/ns/v0.3.0' },
      'unsupported: the VEX document is of',
    ],
    ['no version', { '/@context': 'https://openvex.dev/ns' }, 'unsupported: the VEX document is of'],
    ['no statements', { '/statements': undefined }, 'malformed: the VEX document.statements is not a list'],
    ['an empty list', { '/statements': [] }, 'malformed: the VEX document has no statements'],
    ['no time', { '/timestamp': undefined }, 'malformed: the VEX document.timestamp is missing'],
    [
      'an unknown status',
      { '/statements/0/status': 'ignored' },
      'malformed: the VEX document has the status "ignored"',
    ],
    [
      'no vulnerability',
      { '/statements/0/vulnerability': undefined },
      'malformed: the VEX document.statements[0].vulnerability is not an object',
    ],
    [
      'a subcomponent without an id',
      { '/statements/0/products/0/subcomponents/0': { hashes: { md5: 'a' } } },
      'malformed: the VEX document has a product without an id',
    ],
    [
      'a product without an id',
      { '/statements/0/products/0': {} },
      'malformed: the VEX document has a product without an id',
    ],
    [
      'text as a product',
      { '/statements/0/products/0': 'pkg:oci/api' },
      'malformed: the VEX document.statements[0].products[0] is not an object',
    ],
  ])('is refused with %s', (_, edits, refusal) => {
    expect(refusalOf(() => statements('openvex', edits))).toContain(refusal)
  })

  it('has no justification if its label is unknown', () => {
    expect(statements('openvex', { '/statements/0/justification': 'trust_me' })[0]).not.toHaveProperty(
      'justification',
    )
  })

  it('without products is about the subject of its attestation', () => {
    const [first] = statements('openvex', { '/statements/0/products': undefined })
    expect(first?.products).toEqual([{ ids: [], digests: [], subcomponents: [] }])
  })

  it('keeps a subcomponent that has no package URL, and therefore is not about the whole product', () => {
    const cpe = 'cpe:2.3:a:openssl:openssl:3.0.1:*:*:*:*:*:*:*'
    const edits = { '/statements/0/products/0/subcomponents/0': { identifiers: { cpe23: cpe } } }
    expect(statements('openvex', edits)[0]?.products[0]?.subcomponents).toEqual([cpe])
  })

  it.each([
    [{ '/statements/1/timestamp': '2026-11-24T08:00:00+01:00' }, '2026-11-24T07:00:00Z'],
    [{ '/statements/1/last_updated': '2026-11-25T08:00:00Z' }, '2026-11-25T08:00:00Z'],
    [{ '/statements/1/timestamp': 'yesterday' }, undefined],
  ])('with %j has the time %s', (edits, expected) => {
    const time = expected === undefined ? undefined : Date.parse(expected)
    expect(statements('openvex', edits)[1]?.time).toBe(time)
  })

  it.each([
    [{ hashes: { 'sha-256': scannedImage.manifest.slice(7) } }, [scannedImage.manifest]],
    [{ hashes: { md5: 'a', 'sha-512': 'b' } }, []],
    [{ '@id': `registry.example.com/api@${scannedImage.index}` }, [scannedImage.index]],
    [{ '@id': 'pkg:oci/api?tag=1.4.2' }, []],
    [{ '@id': `pkg:npm/api@${scannedImage.index}` }, [scannedImage.index]],
  ])('names with the product %j the digests %j', (product, digests) => {
    const edits = { '/statements/0/products/0': { '@id': 'api', ...product } }
    expect(statements('openvex', edits)[0]?.products[0]?.digests).toEqual(digests)
  })
})

describe('CycloneDX VEX', () => {
  const state = '/vulnerabilities/0/analysis/state'
  it.each([
    ['resolved', 'fixed'],
    ['resolved_with_pedigree', 'fixed'],
    ['exploitable', 'affected'],
    ['in_triage', 'under_investigation'],
    ['false_positive', 'not_affected'],
    ['not_affected', 'not_affected'],
  ])('has the state %s as %s', (text, status) => {
    expect(statements('cyclonedx-vex', { [state]: text })[0]?.status).toBe(status)
  })

  it.each([
    ['an unknown state', { [state]: 'fine' }, 'malformed: the VEX document has the state "fine"'],
    ['a newer version', { '/specVersion': '2.0' }, 'unsupported: the VEX document has the CycloneDX version'],
    ['no vulnerabilities', { '/vulnerabilities': undefined }, 'malformed: the VEX document.vulnerabilities'],
  ])('is refused with %s', (_, edits, refusal) => {
    expect(refusalOf(() => statements('cyclonedx-vex', edits))).toContain(refusal)
  })

  it('says nothing about a vulnerability without an analysis', () => {
    expect(statements('cyclonedx-vex', { '/vulnerabilities/0/analysis': undefined })).toHaveLength(4)
  })

  it('has no justification if its label is unknown', () => {
    const edits = { '/vulnerabilities/0/analysis/justification': 'trust_me' }
    expect(statements('cyclonedx-vex', edits)[0]).not.toHaveProperty('justification')
  })

  it.each([
    [[{ version: '1.0' }], ['pkg:npm/a@1.0?x=y']],
    [
      [{ version: '1.0' }, { version: '2+b' }],
      ['pkg:npm/a@1.0?x=y', 'pkg:npm/a@2%2Bb?x=y'],
    ],
    [[{ range: 'vers:npm/<2' }], ['a range of versions']],
    [[], ['pkg:npm/a?x=y']],
  ])('suppresses of a package without a version only the versions %j', (versions, expected) => {
    const edits = { '/vulnerabilities/0/affects': [{ ref: 'pkg:npm/a?x=y', versions }] }
    expect(statements('cyclonedx-vex', edits)[0]?.products[0]?.subcomponents).toEqual(expected)
  })

  it('is about every version if the product is affected', () => {
    const affects = [{ ref: 'pkg:npm/a', versions: [{ range: 'vers:npm/<2' }] }]
    const edits = { '/vulnerabilities/4/affects': affects }
    expect(statements('cyclonedx-vex', edits)[4]?.products[0]?.subcomponents).toEqual(['pkg:npm/a'])
  })

  it('about a component of another BOM is about the subject of its attestation', () => {
    const [, second] = statements('cyclonedx-vex', { '/metadata/component': undefined })
    expect(second?.products).toEqual([{ ids: [], digests: [], subcomponents: [busybox] }])
  })

  it('with a reference that is no package matches no package', () => {
    const edits = { '/vulnerabilities/0/affects': [{ ref: 'urn:cdx:a/1#%zz' }] }
    expect(statements('cyclonedx-vex', edits)[0]?.products[0]?.subcomponents).toEqual(['%zz'])
  })
})

describe('VEX documents', () => {
  it.each([
    ['https://openvex.dev/ns', true],
    ['https://openvex.dev/ns/v0.2.0', true],
    ['https://cyclonedx.org/bom', true],
    ['text/vex', true],
    ['application/openvex+json', true],
    ['https://cosign.sigstore.dev/attestation/vuln/v1', false],
    ['https://example.com/convex', false],
  ])('%s can be one: %s', (type, expected) => {
    expect(isVexPredicate(type)).toBe(expected)
  })

  it.each([
    ['an SBOM', report('cyclonedx-sbom/complete.json')],
    ['a scan report', report('cyclonedx/findings.json')],
    ['SPDX', report('spdx-3.0/complete.json')],
    ['an empty object', {}],
    ['null', null],
  ])('%s is none', (_, document) => {
    expect(isVexDocument(document)).toBe(false)
  })

  it('of another format are refused', () => {
    expect(outcomeOf(() => parseVex({ document: { category: 'csaf_vex' } }))).toBe('unsupported')
  })
})
