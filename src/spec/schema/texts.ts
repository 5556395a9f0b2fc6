import type { ChoiceShape, Field, TextShape } from './shape.ts';

/** Any text but one with a NUL: no program can be given that. */
const anything = String.raw`^[^\x00]*$`;

/** What is expanded before a document is read: any text may be one, but for names of parts. */
const template = String.raw`^[^\x00]*\{\{[^\x00]*$`;

/** The pattern of a text, or of a template in its place. */
export function patternOf({ form, names }: TextShape): string {
  if (form === undefined) return anything;
  return names === undefined ? `${form.pattern}|${template}` : form.pattern;
}

/** The same for one of a few words. */
export function choicePattern({ choices }: ChoiceShape): string {
  return `^(?:${choices.map((one) => one.replaceAll('.', String.raw`\.`)).join('|')})$|${template}`;
}

/** What a field means, and what it is when it is left out: a sentence or two. */
export function descriptionOf({ meaning, fallback, otherwise }: Field): string {
  const without = fallback === undefined ? otherwise : `\`${fallback}\``;
  return without === undefined ? meaning : `${meaning}. Left out: ${without}`;
}
