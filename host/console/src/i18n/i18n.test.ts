import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { filled, make } from '.';
import { en } from './en';
import { zh } from './zh';

const SRC = join(import.meta.dirname, '..');

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'i18n' ? [] : sources(path);
    return /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) ? [path] : [];
  });
}

const code = (path: string) => readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

describe('the dictionaries', () => {
  test('have the same keys, in the same order', () => {
    expect(Object.keys(en)).toEqual(Object.keys(zh));
  });

  test('have a text for each, with the same places', () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((match) => match[0]).sort();
    for (const key of Object.keys(zh) as (keyof typeof zh)[]) {
      expect(zh[key].trim(), key).not.toBe('');
      expect(places(en[key]), key).toEqual(places(zh[key]));
      if (!key.startsWith('lang.') && !key.startsWith('app.')) expect(en[key], key).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });

  test('have every key that a page names', () => {
    for (const path of sources(SRC)) {
      for (const [, key] of code(path).matchAll(/\bt\(\s*'([^']+)'/g)) expect(Object.keys(zh), path).toContain(key);
    }
  });

  test('fill the places of a text, and leave those that nobody names', () => {
    expect(filled('{a} of {b} {c}', { a: 1, b: 'two' })).toBe('1 of two {c}');
    const { t, word, name } = make('en', () => undefined);
    expect(t('today.more', { n: 3 })).toBe('Show 3 more');
    expect(word('state', 'opened')).toBe('opened');
    expect(word('state', 'unheard-of')).toBe('unheard-of');
    expect(word('state', 'unheard-of', '前所未闻')).toBe('前所未闻');
    expect(word('help', 'unheard-of', '')).toBe('');
    expect(name({ zh: '林海', en: 'Linhai' })).toBe('Linhai');
    expect(name({ zh: '林海' })).toBe('林海');
  });
});

describe('no page has words of its own', () => {
  test.each(sources(SRC).map((path) => [path.slice(SRC.length + 1), path]))('%s', (_, path) => {
    const text = code(path as string);
    // Chinese belongs into a dictionary; punctuation between names does not count.
    expect(text.match(/[\u4e00-\u9fff]+/g) ?? []).toEqual([]);
    // Text between tags, and attributes that are read out or shown.
    const between = [...text.matchAll(/<\/?[A-Za-z][^<>{}]*>([^<>{}]*[A-Za-z]{2,}[^<>{}]*)<\//g)].map((match) => match[1]?.trim());
    expect(between).toEqual([]);
    const shown = [...text.matchAll(/\b(?:title|label|placeholder|aria-label|alt|description|okText|cancelText)="([^"]*[A-Za-z]{2,}[^"]*)"/g)].map((match) => match[1]);
    expect(shown).toEqual([]);
  });
});
