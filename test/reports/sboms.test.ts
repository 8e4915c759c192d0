import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/oci/json.ts'
import { isSbomPredicate, parseSbom } from '../../src/reports/parse-sbom.ts'
import { outcomeOf } from '../support/error-code.ts'
import { editedReport, otherImage, refusalOf, report, reportText, scannedImage } from '../support/reports.ts'

type Image = typeof scannedImage

const formats = [
  {
    folder: 'spdx-2.3',
    format: 'spdx',
    specVersion: '2.3',
    describes: ({ index, config }: Image) => [index, config],
  },
  {
    folder: 'spdx-3.0',
    format: 'spdx',
    specVersion: '3.0.1',
    describes: ({ manifest }: Image) => [manifest],
  },
  {
    folder: 'cyclonedx-sbom',
    format: 'cyclonedx',
    specVersion: '1.6',
    describes: ({ index, config }: Image) => [index, config],
  },
] as const

describe.each(formats)('an SBOM of the format $folder', ({ folder, format, specVersion, describes }) => {
  it('names its image, and lists the packages with licenses', () => {
    const sbom = parseSbom(report(`${folder}/complete.json`))
    expect(sbom).toMatchObject({ format, specVersion, describes: describes(scannedImage) })
    expect(sbom.components.map(({ name }) => name)).toEqual([
      'libssl3',
      'busybox',
      'zlib',
      'musl',
      'apk-tools',
      'golang.org/x/net',
    ])
    expect(sbom.components[0]).toEqual({
      name: 'libssl3',
      version: '3.0.1-r0',
      purl: 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64&distro=3.20.1',
      licenses: ['MIT'],
    })
  })

  it('without packages has no components: the image itself is none', () => {
    expect(parseSbom(report(`${folder}/empty.json`)).components).toEqual([])
  })

  it('about another image names that image', () => {
    expect(parseSbom(report(`${folder}/other-image.json`)).describes).toEqual(describes(otherImage))
  })

  it('is refused if it is truncated', () => {
    const text = reportText(`${folder}/truncated.txt`)
    expect(outcomeOf(() => parseJson(text, 'the SBOM', 100))).toBe('malformed')
  })
})

describe('an SBOM of syft', () => {
  it('names the manifest once', () => {
    const sbom = parseSbom(report('spdx-2.3/syft.json'))
    expect(sbom.describes).toEqual([scannedImage.manifest])
    expect(sbom.components).toHaveLength(6)
  })
})

describe('an SBOM', () => {
  it.each([
    ['an empty object', {}, 'unsupported: the SBOM is neither SPDX nor CycloneDX in JSON'],
    ['null', null, 'malformed: the SBOM is not an object'],
    ['a list', [], 'malformed: the SBOM is not an object'],
    ['text', 'SPDXVersion: SPDX-2.3', 'malformed: the SBOM is not an object'],
    ['a scan report', report('trivy/clean.json'), 'unsupported: the SBOM is neither'],
    ['OpenVEX', report('openvex/statements.json'), 'unsupported: the SBOM is neither'],
    ['only a version', { spdxVersion: 'SPDX-3.1' }, 'unsupported: the SBOM has the SPDX version "SPDX-3.1"'],
    [
      'a newer SPDX 3',
      editedReport('spdx-3.0/complete.json', {
        '/@context': 'https://spdx.org/rdf/3.1.0/spdx-context.jsonld',
      }),
      'unsupported: the SBOM is of another version than SPDX 3.0',
    ],
    [
      'SPDX 3 without a graph',
      editedReport('spdx-3.0/complete.json', { '/@graph': undefined }),
      'malformed: the SBOM.@graph is not a list',
    ],
    [
      'a newer CycloneDX',
      editedReport('cyclonedx-sbom/complete.json', { '/specVersion': '2.0' }),
      'unsupported: the SBOM has the CycloneDX version "2.0"',
    ],
    [
      'an object as packages',
      editedReport('spdx-2.3/complete.json', { '/packages': {} }),
      'malformed: the SBOM.packages is not a list',
    ],
    [
      'a component without a name',
      editedReport('cyclonedx-sbom/complete.json', { '/components/0/name': undefined }),
      'malformed: the SBOM.components[0].name is missing',
    ],
  ])('is refused: %s', (_, document, refusal) => {
    expect(refusalOf(() => parseSbom(document))).toContain(refusal)
  })

  it.each([
    ['spdx-2.3', { '/relationships': undefined }, []],
    ['spdx-2.3', { '/relationships': undefined, '/documentDescribes': ['SPDXRef-Package-nothing'] }, []],
    [
      'spdx-2.3',
      {
        '/relationships/0': {
          spdxElementId: 'SPDXRef-DOCUMENT',
          relatedSpdxElement: 'SPDXRef-Package-nothing',
          relationshipType: 'DESCRIBES',
        },
      },
      [],
    ],
    ['spdx-3.0', { '/@graph/3/rootElement': [] }, []],
    [
      'spdx-3.0',
      { '/@graph/3/rootElement': 'https://registry.example.com/spdx/image' },
      [scannedImage.manifest],
    ],
    ['cyclonedx-sbom', { '/metadata': undefined }, []],
  ])('of %s describes with %j only what it says: %j', (folder, edits, describes) => {
    expect(parseSbom(editedReport(`${folder}/complete.json`, edits)).describes).toEqual(describes)
  })

  it('of version 2.2 can list what it describes', () => {
    const complete = report('spdx-2.3/complete.json') as { readonly packages: readonly { SPDXID: string }[] }
    const edits = {
      '/spdxVersion': 'SPDX-2.2',
      '/relationships': undefined,
      '/documentDescribes': [complete.packages.at(-1)?.SPDXID],
    }
    const sbom = parseSbom(editedReport('spdx-2.3/complete.json', edits))
    expect(sbom).toMatchObject({ specVersion: '2.2', describes: [scannedImage.index, scannedImage.config] })
  })

  it('is read in the text of a custom predicate of cosign', () => {
    const text = reportText('spdx-2.3/complete.json')
    expect(parseSbom({ Data: text, Timestamp: '2026-11-24T10:05:00Z' })).toEqual(
      parseSbom(report('spdx-2.3/complete.json')),
    )
  })

  it.each([
    [
      [{ license: { id: 'MIT' } }, { license: { name: 'custom' } }],
      ['MIT', 'custom'],
    ],
    [[{ expression: 'MIT OR Apache-2.0' }], ['MIT OR Apache-2.0']],
    [[{}], []],
    [undefined, []],
  ])('has the licenses %j of CycloneDX as %j', (licenses, expected) => {
    const document = editedReport('cyclonedx-sbom/complete.json', { '/components/0/licenses': licenses })
    expect(parseSbom(document).components[0]?.licenses).toEqual(expected)
  })

  it.each([
    [{ licenseConcluded: 'NOASSERTION', licenseDeclared: 'MIT' }, ['MIT']],
    [{ licenseConcluded: 'NONE' }, []],
    [{ licenseConcluded: 'MIT', licenseDeclared: 'Apache-2.0' }, ['MIT', 'Apache-2.0']],
  ])('has the licenses %j of SPDX as %j', (licenses, expected) => {
    const document = editedReport('spdx-2.3/complete.json', { '/packages/0': { name: 'a', ...licenses } })
    expect(parseSbom(document).components[0]?.licenses).toEqual(expected)
  })
})

describe('the types of SBOMs', () => {
  it.each([
    ['https://spdx.dev/Document', 'spdx'],
    ['https://spdx.dev/Document/v2.3', 'spdx'],
    ['https://spdx.dev/Document/v3', 'spdx'],
    ['text/spdx', 'spdx'],
    ['text/spdx+json', 'spdx'],
    ['application/spdx+json', 'spdx'],
    ['https://cyclonedx.org/bom', 'cyclonedx'],
    ['https://cyclonedx.org/bom/v1.6', 'cyclonedx'],
    ['application/vnd.cyclonedx+json', 'cyclonedx'],
    ['application/vnd.cyclonedx', 'cyclonedx'],
  ] as const)('%s is %s', (type, format) => {
    const other = format === 'spdx' ? 'cyclonedx' : 'spdx'
    expect(isSbomPredicate(type, [format])).toBe(true)
    expect(isSbomPredicate(type, ['spdx', 'cyclonedx'])).toBe(true)
    expect(isSbomPredicate(type, [other])).toBe(false)
  })

  it.each(['https://spdx.dev/Documents', 'https://slsa.dev/provenance/v1', 'application/json', ''])(
    '%j is none',
    (type) => {
      expect(isSbomPredicate(type, ['spdx', 'cyclonedx'])).toBe(false)
    },
  )
})
