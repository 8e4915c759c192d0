import { parse } from 'yaml'
import { type Content, cosignSignature, image, index, referrer, together } from '../images.ts'
import type { Oracle } from '../oracle.ts'

/** Tags of an image in an environment, with the age of the image in days. */
type Tags = Readonly<Record<string, readonly string[]>>

const releases: Readonly<Record<string, number>> = {
  '1.4.0': 70,
  '1.4.1': 40,
  '1.4.2': 8,
  '1.5.0-rc.1': 3,
  'pr-12-a1': 60,
  'pr-12-b2': 50,
  'nightly-2026-11-01': 33,
  'nightly-2026-11-20': 9,
  '2.0.0': 35,
  '2.0.1': 12,
}

/** The images of the first environment, of those after it, and of the last, by their tags. */
const standard: Readonly<Record<string, readonly [Tags, Tags, Tags]>> = {
  api: [
    {
      '1.4.0': ['1.4.0'],
      '1.4.1': ['1.4.1'],
      '1.4.2': ['1.4.2', 'latest'],
      '1.5.0-rc.1': ['1.5.0-rc.1'],
      'pr-12-a1': ['pr-12-a1'],
      'pr-12-b2': ['pr-12-b2'],
      'nightly-2026-11-01': ['nightly-2026-11-01'],
      'nightly-2026-11-20': ['nightly-2026-11-20'],
    },
    { '1.4.0': ['1.4.0'], '1.4.1': ['1.4.1'], '1.4.2': ['1.4.2', 'latest'] },
    { '1.4.0': ['1.4.0'], '1.4.1': ['1.4.1', '1.4', '1', 'latest'] },
  ],
  web: [
    { '2.0.0': ['2.0.0'], '2.0.1': ['2.0.1'] },
    { '2.0.0': ['2.0.0'], '2.0.1': ['2.0.1', 'latest'] },
    { '2.0.0': ['2.0.0', '2.0', '2', 'latest'] },
  ],
}

/** A repository of a registry, with the tags of each image. */
export interface SeededRepository {
  readonly host: string
  readonly path: string
  readonly image: string
  readonly tags: Tags
}

/** The repositories of the standard `dray.yaml`. */
export const standardConfig = `version: 1
environments:
  dev:
    registry: registry.example.com
    path: dev/{image}
  staging:
    registry: registry.example.com
    path: staging/{image}
    promoteFrom: [dev]
    tags:
      semver: [exact, latest]
  prod:
    registry: registry.example.com
    path: prod/{image}
    promoteFrom: [staging]
    tags:
      semver: [exact, minor, major, latest]
images:
  api: {}
  web: {}
`

interface WrittenTarget {
  readonly registry?: string
  readonly path?: string
}

interface WrittenConfig {
  readonly environments?: Readonly<
    Record<string, WrittenTarget & { readonly targets?: readonly WrittenTarget[] }>
  >
  readonly images?: Readonly<Record<string, { readonly name?: string } | null>>
}

/** The standard images in the environments of a `dray.yaml`; none for a text that is not one. */
export function repositoriesOf(config: string): readonly SeededRepository[] {
  let written: WrittenConfig | null
  try {
    written = parse(config) as WrittenConfig | null
  } catch {
    return []
  }
  const environments = Object.values(written?.environments ?? {})
  const images = Object.entries(written?.images ?? { api: {}, web: {} })
  return environments.flatMap((environment, at) =>
    (environment.targets ?? [environment]).flatMap(({ registry, path }) =>
      images.flatMap(([name, options]): readonly SeededRepository[] => {
        if (registry === undefined || path === undefined) return []
        const stages = standard[name] ?? standard['api']
        const tags = stages?.[at === 0 ? 0 : at === environments.length - 1 ? 2 : 1] ?? {}
        return [
          { host: registry, path: path.replaceAll('{image}', options?.name ?? name), image: name, tags },
        ]
      }),
    ),
  )
}

/** The age of an image in days. */
export function ageInDays(version: string): number {
  return releases[version] ?? 20
}

/** Images beside the standard ones: `host/path:tag`. */
export function repositoryOf(reference: string): SeededRepository {
  const [, host = '', path = '', tag = 'latest'] = /^([^/]+)\/(.+?)(?::([\w.-]+))?$/.exec(reference) ?? []
  return { host, path, image: path.split('/').at(-1) ?? path, tags: { [tag]: [tag] } }
}

/** @param options `isUnsigned`: nothing is attached to the images */
export async function push(
  oracle: Oracle,
  { path, image: name, tags }: SeededRepository,
  { isUnsigned }: { readonly isUnsigned: boolean },
): Promise<void> {
  await Promise.all(
    Object.entries(tags).map(async ([version, names]) => {
      const { main, all } = contentOf(name, version)
      await oracle.push(isUnsigned ? main : all, path, ...names)
    }),
  )
}

interface ImageContent {
  readonly main: Content
  /** with what is attached to it */
  readonly all: Content
}

const made = new Map<string, ImageContent>()

/** A multi-platform image with a signature, and an SBOM for each platform. */
function contentOf(name: string, version: string): ImageContent {
  const key = `${name}:${version}`
  const known = made.get(key)
  if (known !== undefined) return known
  const created = new Date(Date.now() - ageInDays(version) * 86_400_000 - 3_600_000).toISOString()
  const options = {
    created: `${created.slice(0, 19)}Z`,
    labels: { 'org.opencontainers.image.version': version },
    annotations: { 'org.opencontainers.image.created': `${created.slice(0, 19)}Z` },
  }
  const children = ['amd64', 'arm64'].map((platform) =>
    image({
      ...options,
      platform,
      label: `${name} ${version}`,
      layers: [`base ${platform}`, `${key} ${platform}`],
    }),
  )
  const main = index(children, options)
  const all = together(main, ...children.map((child) => referrer(child)), cosignSignature(main))
  const content = { main, all }
  made.set(key, content)
  return content
}
