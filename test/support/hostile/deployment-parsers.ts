import { isDrayError } from '../../../src/lib/errors.ts'
import { openFile } from '../../../src/deployments/edit/open-file.ts'
import { entryAt } from '../../../src/deployments/references/entry-at.ts'
import { formatValuePath, parseValuePath } from '../../../src/deployments/references/value-path.ts'
import { keyOfTag, renamedNames } from '../../../src/usecases/gitops/pin/classify-entry.ts'
import { decidePins } from '../../../src/usecases/gitops/pin/decide-pins.ts'
import { readPinSource } from '../../../src/usecases/gitops/pin/pin-source.ts'
import { listTagsToPin } from '../../../src/usecases/gitops/pin/resolve-tags.ts'
import { newDigest } from '../image-entries.ts'
import type { Parser } from './parsers.ts'

const sample = `kind: Application
spec:
  image: &i r.test/a:1
  images: [{ name: r.test/b, newTag: "2" }, { name: c, newName: r.test/c }]
  containers: [{ image: *i, env: [{ name: RELATED_IMAGE, value: r.test/e:1 }] }]
  volumes: [{ image: { reference: r.test/v:1 } }]
  helm:
    values: |
      global: { imageRegistry: m.test }
      image: { registry: r.test, repository: d, tag: "1", digest: "" }
    parameters: [{ name: image.tag, value: "2" }]
  kustomize: { images: ["x=r.test/f:1"] }
services: { a: { <<: { image: "r.test/g:$TAG" } } }
`

/** Larger files take a second or more, in proportion to their size. */
const maxBytes = 64 * 1024

/** Pins all images of a file, and the result again, which has to find nothing to change. */
function pin(name: string, content: Uint8Array): unknown {
  const bytes = content.subarray(0, maxBytes)
  const source = readPinSource({ name, bytes })
  const options = { update: false, renamed: renamedNames([source]) }
  const tags = new Map(
    listTagsToPin([source], options).map((tag) => [keyOfTag(tag), { digest: newDigest }] as const),
  )
  const { pinned, bytes: written } = decidePins(source, tags, options)
  if (written === undefined) return pinned
  const again = readPinSource({ name, bytes: written })
  const { bytes: rewritten } = decidePins(again, tags, options)
  if (rewritten !== undefined) throw new Error('a pinned file changes again')
  return pinned
}

export const deploymentParsers: readonly Parser[] = [
  { name: 'images to pin in YAML', sample, parse: (bytes) => pin('app.yaml', bytes) },
  {
    name: 'images to pin in tfvars',
    sample: 'api_image = "r.test/a:1" # api\n',
    parse: (bytes) => pin('prod.tfvars', bytes),
  },
  {
    name: 'a path to a value',
    sample: String.raw`spec.containers[name=api].a\.b[0]["c.d"]`,
    parse: (bytes) => {
      const text = Buffer.from(bytes).toString()
      const steps = parseValuePath(text)
      const again = parseValuePath(formatValuePath(steps))
      if (JSON.stringify(again) !== JSON.stringify(steps)) throw new Error('the path changes')
      const file = openFile({ name: 'a.yaml', bytes: Buffer.from('spec: { containers: [{ name: api }] }') })
      try {
        return entryAt(file, { tag: text })
      } catch (error) {
        if (!isDrayError(error) || error.code !== 'config') throw error
        return undefined
      }
    },
  },
]
