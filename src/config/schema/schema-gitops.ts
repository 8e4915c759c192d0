import * as v from 'valibot'
import { described, either, flag, isMapLike, list, optional, text } from './schema-parts.ts'

const write = optional(
  v.picklist(['both', 'digest', 'tag'], 'must be both, digest or tag'),
  'Whether dray writes the tag and the digest (both, the default) or only one of them. A field for a tag without one for a digest gets 1.4.2@sha256:… with both.',
)

const isText = (value: unknown): boolean => typeof value === 'string'

const glob = text('a path or glob such as "clusters/prod/**/*.yaml"')
const name = text('a repository with {image}, such as mirror.example.com/prod/{image}')

const filesRule = v.strictObject({
  files: described(
    either(isText, glob, list(glob, 'paths or globs')),
    'Files in which dray finds images by the names of their repositories, relative to this file: paths or globs such as "clusters/prod/**/*.yaml".',
  ),
  as: optional(
    either(isText, name, list(name, 'repositories with {image}')),
    'Other names of the repositories of the environment in these files, with {image} in place of the image name: mirror.example.com/prod/{image}, or {image} for the placeholder of a kustomization.',
  ),
  write,
})

const placeRule = v.strictObject({
  file: described(text('the path of a file'), 'The file, relative to this file.'),
  image: described(text('the name of an image'), 'The image.'),
  at: described(
    v.strictObject({
      tag: optional(text('a position such as web.version'), 'The position of the tag, or of a whole image: name:tag@digest.'),
      digest: optional(text('a position such as web.sha'), 'The position of the digest.'),
    }),
    'The positions of the values, as keys and indexes with dots: web.version, containers[0].tag.',
  ),
  write,
})

/** The keys of an environment about its deployment files. `src/config/gitops/` checks them. */
export const gitopsKeys = {
  gitops: optional(
    list(
      either(
        (value) => !isMapLike(value) || !('file' in (value as object)),
        filesRule,
        placeRule,
      ),
      'files',
    ),
    'The deployment files of the environment, for `dray gitops` and `--gitops`.',
  ),
  git: optional(
    v.strictObject({
      branch: optional(
        text('the name of a branch'),
        'The branch for `--push` and `--pr`. {env} is the name of the environment. By default the branch that is checked out.',
      ),
      message: optional(
        text('a commit message'),
        'The subject of commits, with {env}, {image}, {version} and {digest}. By default "Deploy {image} {version} to {env}".',
      ),
      pullRequest: optional(flag, '`--push` opens a pull request, as `--pr` does.'),
    }),
    'How edits of the deployment files are committed.',
  ),
}

export type WrittenGitOpsRule = v.InferOutput<typeof filesRule> | v.InferOutput<typeof placeRule>
