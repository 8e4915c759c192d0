import { isRecord } from '../../../oci/json.ts'
import { registryOf } from '../../check/check-registries.ts'
import { type ImportedEntry, type ImportedFile, RuleNames, textsIn } from './imported-rule.ts'
import { partialExpression, versionsOf } from './import-tags.ts'

export const skopeoKeys = [
  'images',
  'images-by-tag-regex',
  'images-by-semver',
  'credentials',
  'tls-verify',
  'cert-dir',
]

/**
 * Converts the YAML of `skopeo sync --src yaml` (skopeo-sync(1)). The destination is an argument
 * there.
 * @param to contains `{repository}`
 */
export function importSkopeo(file: Readonly<Record<string, unknown>>, to: string | undefined): ImportedFile {
  const destination = to ?? 'registry.example.com/{repository}'
  const notes = [
    'dray copies signatures and other attached artifacts together with their images, and all platforms.',
    ...(to === undefined ? [`the file has no destination: replace ${destination} in each rule.`] : []),
    'skopeo without --scoped omits all components of the path except the last; {repository} has all of them.',
  ]
  const names = new RuleNames()
  const entries = Object.entries(file).flatMap(([host, written]): readonly ImportedEntry[] => {
    const registry = registryOf(host)
    if (registry === undefined || !isRecord(written)) {
      notes.push('an entry names no registry that dray reads, and is not imported.')
      return []
    }
    if ('credentials' in written)
      notes.push(`the credentials of ${registry} are not imported: log in with \`docker login ${registry}\`.`)
    if (written['tls-verify'] === 'false')
      notes.push(
        `dray verifies the certificate of ${registry}: set \`ca\`, or \`insecure: true\` for plain HTTP, under registries.`,
      )
    if ('cert-dir' in written)
      notes.push(`\`cert-dir\` of ${registry}: set \`ca\` and \`clientCertificate\` under registries.`)
    for (const key of Object.keys(written))
      if (!skopeoKeys.includes(key)) notes.push(`\`${key.slice(0, 60)}\` of ${registry} has no equivalent.`)
    const make = (
      repository: string,
      select: (own: string[]) => readonly object[] | undefined,
    ): ImportedEntry => {
      const own: string[] = []
      const include = select(own)
      if (include?.length === 0)
        return { rule: undefined, notes: [`${registry}/${repository} is not imported.`, ...own] }
      const more = include === undefined ? {} : { include }
      const rule = {
        name: names.take(repository),
        from: registry,
        repositories: [repository],
        to: destination,
        ...more,
      }
      return { rule, notes: own }
    }
    return [
      ...entriesOf(written['images']).map(([repository, tags]) =>
        make(repository, (own) => {
          const all = textsIn(tags)
          if (all.length === 0) return undefined
          const named = all.filter((tag) => !tag.includes(':'))
          if (named.length < all.length) own.push('images by digest have no equivalent.')
          return named.length === 0 ? [] : [{ tags: named }]
        }),
      ),
      ...entriesOf(written['images-by-tag-regex']).map(([repository, regex]) =>
        make(repository, (own) => partialExpression(textsIn(regex)[0] ?? '', own)),
      ),
      ...entriesOf(written['images-by-semver']).map(([repository, range]) =>
        make(repository, (own) => versionsOf(textsIn(range)[0] ?? '', own)),
      ),
    ]
  })
  return { notes, registries: {}, entries }
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : []
}
