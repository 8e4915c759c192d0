import { describe, expect, it } from 'vitest'
import type { ImageView } from '../../../src/usecases/views/inspect/inspect.ts'
import type { ManifestView } from '../../../src/usecases/views/inspect/manifest-view.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { renderImage } from '../../../src/render/views/inspect.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'

const now = Date.UTC(2026, 5, 1)
const blob = (name: string, mediaType: string, size: number): Descriptor => ({
  mediaType,
  digest: digestOf(name),
  size,
})
const short = (name: string): string => digestOf(name).slice(0, 19)

const manifest = (platform: string, labels: Readonly<Record<string, string>> = {}): ManifestView => ({
  descriptor: blob(platform, mediaTypes.manifest, 500),
  platform,
  annotations: {},
  size: 3_400_000,
  config: blob('config', mediaTypes.config, 1000),
  layers: [blob('base', 'application/vnd.oci.image.layer.v1.tar+gzip', 3_000_000)],
  image: {
    platform,
    created: '2026-05-01T00:00:00Z',
    author: 'Ada',
    labels,
    history: 7,
    settings: {
      entrypoint: ['/app', '-x'],
      exposedPorts: ['80/tcp', '443/tcp'],
      env: ['PATH=/bin', 'A=\u001b[2J'],
    },
  },
})
const view = (over: Partial<ImageView> = {}): ImageView => ({
  repository: { registry: 'registry.example.com', path: 'team/api' },
  at: '1.4.2',
  image: blob('index', mediaTypes.index, 900),
  kind: 'index',
  annotations: {},
  created: '2026-05-23T00:00:00Z',
  size: 7_000_000,
  manifests: [manifest('linux/amd64'), manifest('linux/arm64')],
  evidence: [],
  ...over,
})
const single = (over: Partial<ImageView> = {}): ImageView =>
  view({
    kind: 'manifest',
    image: blob('linux/amd64', mediaTypes.manifest, 500),
    manifests: [manifest('linux/amd64')],
    ...over,
  })
const text = (of: ImageView, width?: number): string => renderImage(of, now, { style: plainStyle, width })
/** The lines of a section, without their indent. */
const sectionOf = (of: ImageView, title: string, width?: number): readonly string[] => {
  const found = text(of, width)
    .split('\n\n')
    .find((part) => part.startsWith(`${title}\n`))
  return (
    found
      ?.split('\n')
      .slice(1)
      .map((line) => line.trim()) ?? []
  )
}

describe('an image', () => {
  it('with several platforms has the size and layers of each, and no details of one', () => {
    expect(text(view(), 80).split('\n').slice(0, 5)).toEqual([
      'registry.example.com/team/api:1.4.2',
      `digest   ${digestOf('index')}`,
      'kind     index  (application/vnd.oci.image.index.v1+json)',
      'size     6.7 MiB',
      'created  2026-05-23T00:00:00Z  (9d ago)',
    ])
    expect(sectionOf(view(), 'Platforms', 80)).toEqual([
      `linux/amd64  ${short('linux/amd64')}  3.2 MiB  1 layer`,
      `linux/arm64  ${short('linux/arm64')}  3.2 MiB  1 layer`,
    ])
    expect(text(view())).not.toMatch(/^(?:Layers|Config)$/m)
  })

  it('lists missing children of an index, which the size does not include', () => {
    const missing = [{ descriptor: blob('gone', mediaTypes.manifest, 500), platform: 'linux/s390x' }]
    const of = view({ missing, evidence: null })
    expect(sectionOf(of, 'Platforms', 80).at(-1)).toMatch(
      new RegExp(`^linux/s390x +${short('gone')} +missing$`),
    )
    expect(text(of, 80)).toContain('6.7 MiB  (without missing content)')
    expect(sectionOf(of, 'Attached artifacts', 80)).toEqual(['unknown: dray cannot read them'])
    expect(sectionOf(view({ missing, evidence: [] }), 'Attached artifacts', 80)).toEqual([
      'none of the manifests that exist',
    ])
    const ofPlatform = view({ index: blob('index', mediaTypes.index, 500), evidence: [] })
    expect(sectionOf(ofPlatform, 'Attached artifacts', 80)).toEqual([
      'none of this platform; dray did not read those of the index',
    ])
    expect(sectionOf(view({ manifests: [] }), 'Platforms', 80)).toEqual(['none'])
  })

  it('with one platform has its layers and config, with escaped control characters', () => {
    const index = blob('index', mediaTypes.index, 900)
    expect(text(single({ index })).split('\n').slice(0, 3)).toEqual([
      'registry.example.com/team/api:1.4.2  linux/amd64',
      `digest   ${digestOf('linux/amd64')}`,
      `index    ${digestOf('index')}`,
    ])
    expect(sectionOf(single(), 'Layers', 80)).toEqual([
      `${short('base')}  2.9 MiB  application/vnd.oci.image.layer.v1.tar+gzip`,
    ])
    expect(sectionOf(single(), 'Config')).toEqual([
      'entrypoint  ["/app","-x"]',
      'ports       80/tcp, 443/tcp',
      'env         PATH=/bin',
      'A=\\x1b[2J',
      'created     2026-05-01T00:00:00Z',
      'author      Ada',
      'history     7 steps',
    ])
  })

  it('has its sections in a fixed order', () => {
    const titles = (of: ImageView) => text(of).match(/^[A-Z][a-z ]+$/gm)
    const over = { tags: ['1.4.2'], annotations: { a: 'b' } }
    const labelled = [manifest('linux/amd64', { x: 'y' })]
    expect(titles(single({ ...over, manifests: labelled }))).toEqual([
      'Tags',
      'Layers',
      'Config',
      'Labels',
      'Annotations',
      'Attached artifacts',
    ])
    expect(titles(view({ ...over, manifests: labelled }))).toEqual([
      'Tags',
      'Platforms',
      'Labels',
      'Annotations',
      'Attached artifacts',
    ])
  })

  it('is complete in a pipe', () => {
    const long = manifest('linux/amd64', { ['k'.repeat(300)]: 'v'.repeat(5000) })
    expect(text(view({ manifests: [long] }))).toContain(`${'k'.repeat(300)}  ${'v'.repeat(5000)}`)
    expect(sectionOf(view(), 'Platforms')[0]).toContain(digestOf('linux/amd64'))
  })

  it.each([80, 200])('fits %d columns with any content', (width) => {
    const names = [
      'k'.repeat(300),
      '漢字'.repeat(100),
      '🇩🇪👍🏽'.repeat(60),
      'مرحبا'.repeat(60),
      'e\u0301'.repeat(200),
    ]
    const labels = Object.fromEntries(
      names.flatMap((name) => [
        [name, 'x'],
        [`short ${name.slice(0, 2)}`, name],
      ]),
    )
    const manifests = [
      manifest(`linux/${names[0]}`, labels),
      manifest('linux/arm64', { [names[0] ?? '']: names[1] ?? '' }),
    ]
    const evidence = names.map((name) => ({
      subject: digestOf('index'),
      descriptor: blob(name, name, 5),
      artifactType: name,
      via: 'subject' as const,
      size: 10,
    }))
    const of = view({
      manifests,
      evidence,
      annotations: labels,
      tags: names.map((name) => name.slice(0, 60)),
    })
    const one = { ...of, kind: 'manifest' as const, manifests: manifests.slice(0, 1), at: 'v' }
    for (const line of [text(of, width), text(one, width).split('\n').slice(1).join('\n')]
      .join('\n')
      .split('\n')) {
      expect(displayWidth(line)).toBeLessThanOrEqual(width)
    }
  })
})

describe('the labels', () => {
  const images = [
    manifest('linux/amd64', { title: 'api', built: 'a', only: 'x', toString: 't' }),
    manifest('linux/arm64', { title: 'api', built: 'b', toString: 't' }),
    manifest('linux/arm/v7', { title: 'api', built: 'b' }),
  ]

  it('of all platforms are shown once, and different ones with their platforms', () => {
    expect(sectionOf(view({ manifests: images }), 'Labels')).toEqual(['title  api'])
    const rows = sectionOf(view({ manifests: images }), 'Labels that differ between platforms')
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['built', 'linux/amd64', 'a'],
      ['linux/arm64, linux/arm/v7', 'b'],
      ['only', 'linux/amd64', 'x'],
      ['linux/arm64, linux/arm/v7', 'not set'],
      ['toString', 'linux/amd64, linux/arm64', 't'],
      ['linux/arm/v7', 'not set'],
    ])
  })
})

describe('the tags', () => {
  it.each([
    [{ tags: ['latest', '1.4.2'] }, ['latest', '1.4.2']],
    [{ tags: [] }, ['none']],
    [
      { omittedTags: { why: 'many', count: 120, isWhole: true } },
      ['unknown: the repository has 120 tags. Pass --tags to read all of them.'],
    ],
    [
      { omittedTags: { why: 'many', count: 1000, isWhole: false } },
      ['unknown: the repository has at least 1000 tags. Pass --tags to read all of them.'],
    ],
    [{ omittedTags: { why: 'unreadable' } }, ['unknown: dray cannot list the tags of the repository']],
    [{}, []],
  ] as const)('are shown with notes: %j', (over, lines) => {
    expect(sectionOf(view(over as Partial<ImageView>), 'Tags')).toEqual(lines)
  })

  it('are shown side by side on a terminal', () => {
    const tags = Array.from({ length: 30 }, (_, i) => `1.4.${i}`)
    const lines = sectionOf(view({ tags }), 'Tags', 80)
    expect(lines.length).toBeLessThan(5)
    expect(lines.join('  ').split('  ')).toEqual(tags)
  })
})

describe('evidence', () => {
  it('is shown below its subject, including attestations of buildkit', () => {
    const attestation = { ...manifest('unknown/unknown'), descriptor: blob('att', mediaTypes.manifest, 5) }
    const evidence = [
      {
        subject: digestOf('index'),
        descriptor: blob('sbom', 'x', 5),
        artifactType: 'application/spdx+json',
        via: 'subject',
        size: 10,
      },
      {
        subject: digestOf('sbom'),
        descriptor: blob('sig', 'x', 5),
        via: 'tag',
        tag: 'sha256-0.sig',
        size: 10,
      },
      {
        subject: digestOf('linux/arm64'),
        descriptor: attestation.descriptor,
        via: 'index',
        predicates: ['https://spdx.dev/Document'],
        size: 10,
      },
    ] as const
    const of = view({ manifests: [manifest('linux/amd64'), manifest('linux/arm64'), attestation], evidence })
    expect(sectionOf(of, 'Platforms')).toHaveLength(2)
    expect(sectionOf(of, 'Attached artifacts', 80)).toEqual([
      `linux/arm64 ${short('linux/arm64')}`,
      `└─ buildkit attestation (https://spdx.dev/Document)  ${short('att')}  10 B`,
      `index ${short('index')}`,
      `└─ application/spdx+json  ${short('sbom')}  10 B`,
      `└─ cosign signature  ${short('sig')}  10 B`,
    ])
  })
})
