import { describe, expect, it } from 'vitest'
import type { RepositoryView, TagView } from '../../../src/usecases/views/list/list.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { renderOmitted, renderRepositories } from '../../../src/render/views/list.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'

const now = Date.UTC(2026, 5, 1)
const image = { mediaType: mediaTypes.index, digest: digestOf('image'), size: 700 }
const seen: TagView = {
  tag: '1.4.2',
  image,
  created: '2026-05-23T00:00:00Z',
  size: 3_400_000,
  platforms: ['linux/amd64', 'linux/arm64/v8'],
  evidence: { sbom: 1, sig: 2 },
}
const viewOf = (tags: readonly TagView[], over: Partial<RepositoryView> = {}): RepositoryView => ({
  repository: { registry: 'registry.example.com', path: 'team/api' },
  tags,
  total: tags.length,
  evidenceTagsHidden: 0,
  ...over,
})
const linesOf = (tags: readonly TagView[], width?: number, brief = false): readonly string[] =>
  renderRepositories({ views: [viewOf(tags)], brief, now }, { style: plainStyle, width }).split('\n')

describe('the list of tags', () => {
  it('is complete in a pipe', () => {
    expect(linesOf([seen])[1]).toBe(
      `1.4.2  ${image.digest}   9d  3.2 MiB  linux/amd64, linux/arm64/v8  2 sig, sbom`,
    )
  })

  it('is short on a terminal', () => {
    expect(linesOf([seen], 80)).toEqual([
      'TAG    DIGEST               AGE     SIZE  PLATFORMS        ATTACHED',
      `1.4.2  ${image.digest.slice(0, 19)}   9d  3.2 MiB  amd64, arm64/v8  2 sig, sbom`,
    ])
  })

  it('has only digests and kinds with --brief', () => {
    expect(linesOf([{ tag: '1.4.2', image }], 80, true)[1]).toBe(`1.4.2  ${image.digest.slice(0, 19)}  index`)
  })

  it('has the ages of the last push and pull with --times, and no kind that is unknown', () => {
    const times = { pushedAt: '2026-05-30T00:00:00Z', pulledAt: '2026-05-31T00:00:00Z' }
    const tags = [
      { tag: 'a', image, ...times },
      { tag: 'b', image: { digest: image.digest }, pulledAt: 'never' },
    ]
    const options = { views: [viewOf(tags)], brief: true, times: true, now }
    const [head, a, b] = renderRepositories(options, { style: plainStyle, width: 80 }).split('\n')
    expect(head?.split(/ {2,}/)).toEqual(['TAG', 'DIGEST', 'KIND', 'PUSHED', 'PULLED'])
    expect(a?.split(/ {2,}/).slice(2)).toEqual(['index', '2d', '24h'])
    expect(b?.split(/ {2,}/).slice(2)).toEqual(['?', '?', 'never'])
  })

  it('distinguishes unknown, absent and deleted values', () => {
    const [, unread, none, gone] = linesOf(
      [
        { ...seen, created: null, isCreatedUnknown: true, size: null, platforms: null, evidence: null },
        { ...seen, created: '1970-01-01T00:00:00Z', platforms: [], evidence: {} },
        { tag: '1.0.0', image: null, created: null, size: null, platforms: null, evidence: null },
      ],
      80,
    )
    expect(unread?.split(/ {2,}/)).toEqual(['1.4.2', image.digest.slice(0, 19), '?', '?', '?', '?'])
    expect(none?.split(/ {2,}/)).toEqual(['1.4.2', image.digest.slice(0, 19), '-', '3.2 MiB', '-', '-'])
    expect(gone).toBe('1.0.0  deleted')
  })

  it('fits a terminal with any names, and escapes control characters', () => {
    const names = ['t'.repeat(128), '漢字'.repeat(40), '👩‍👩‍👧‍👦🇩🇪', 'e\u0301'.repeat(100), '\u001b[2J\n']
    const tags = names.map((name): TagView => ({
      ...seen,
      tag: name,
      platforms: [`linux/${name}`, name],
      artifactType: name,
    }))
    const artifacts = tags.map((tag) => ({ ...tag, platforms: [] }))
    for (const width of [60, 80, 200]) {
      const lines = linesOf([...tags, ...artifacts], width)
      expect(lines).toHaveLength(11)
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
      expect(lines.join()).not.toContain('\u001b')
    }
  })

  it('has a message if there are no tags, and only the heading in a pipe', () => {
    expect(linesOf([], 80)).toEqual(['registry.example.com/team/api has no tags to show.'])
    expect(linesOf([])).toEqual(['TAG  DIGEST  AGE  SIZE  PLATFORMS  ATTACHED'])
  })
})

describe('the notes of a list', () => {
  it.each([
    ['more tags', { total: 3 }, ['2 more tags. Pass --all to show all tags.']],
    [
      'evidence',
      { evidenceTagsHidden: 1 },
      ['1 tag of an attached artifact is hidden. Pass --all-tags to show it.'],
    ],
    [
      'evidence of several images',
      { evidenceTagsHidden: 2 },
      ['2 tags of attached artifacts are hidden. Pass --all-tags to show them.'],
    ],
    [
      'unread tags and images without a time',
      { total: 90, scan: { read: 60, undated: 2, unread: 1 } },
      [
        '30 more tags not read. Pass --all to read all tags.',
        '2 tags skipped, because the image has no creation time.',
        '1 tag skipped, because the image cannot be read.',
      ],
    ],
    ['nothing', { scan: { read: 1, undated: 0, unread: 0 } }, []],
  ] as const)('report %s', (_, over, lines) => {
    expect(renderOmitted([viewOf([seen], over)], plainStyle)).toEqual(lines)
  })
})
