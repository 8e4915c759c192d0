import { textOf } from '../documents.ts'
import { splitImage } from './image-text.ts'

/** The changes that kustomize makes to the images of a name. */
export type Transformed =
  /** the new image, for any former tag */
  | { readonly name: string; readonly text: string }
  /** it keeps its tag */
  | { readonly name: string; readonly newName: string }
  /** its tag gets a suffix */
  | { readonly name: string; readonly suffix: string }

/**
 * An entry of `images` of a Kustomization (kustomize, api/types/image.go); undefined if it is none
 * or changes nothing.
 */
export function transformOf(entry: Readonly<Record<string, unknown>>): Transformed | undefined {
  const [name, newName, newTag, digest, suffix] = ['name', 'newName', 'newTag', 'digest', 'tagSuffix'].map(
    (key) => textOf(entry[key]) ?? '',
  )
  if (name === undefined || name === '') return undefined
  const target = newName !== undefined && newName !== '' ? newName : name
  const at = `${newTag ? `:${newTag}` : ''}${digest ? `@${digest}` : ''}`
  if (at !== '') return { name, text: `${target}${at}` }
  if (suffix) return { name, suffix }
  return target === name ? undefined : { name, newName: target }
}

/** An entry of `kustomize.images` of an Argo CD Application: `[name=]image[:tag][@digest]`. */
export function transformOfText(text: string): Transformed | undefined {
  const equals = text.indexOf('=')
  const image = text.slice(equals + 1)
  const { name: target, rest } = splitImage(image)
  const name = equals < 0 ? target : text.slice(0, equals)
  if (rest !== '') return { name, text: image }
  return target === name ? undefined : { name, newName: target }
}
