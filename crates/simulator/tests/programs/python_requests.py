"""Creates a video with requests, as on the vendor's documentation pages: create, poll until the end, print the response."""

import json
import os
import sys
import time

import requests

base_url = os.environ["BASE_URL"]
url = base_url + os.environ["URL_PATH"]
headers = {"Authorization": "Bearer " + os.environ["API_KEY"], "Content-Type": "application/json"}


def create_video():
    response = requests.post(url, json=json.loads(os.environ["BODY"]), headers=headers)
    if response.status_code >= 400:
        print(f"Error: {response.status_code} - {response.text}", file=sys.stderr)
        return None
    return response.json()


def fetch_video(generation_id):
    response = requests.get(url, params={"generation_id": generation_id}, headers=headers)
    return response.json()


def main():
    created = create_video()
    if created is None:
        return 1
    print("Generation ID:", created["id"])
    started = time.time()
    while time.time() - started < 60:
        body = fetch_video(created["id"])
        print("Status:", body["status"])
        if body["status"] not in ["waiting", "active", "queued", "generating"]:
            print(json.dumps(body))
            return 0
        time.sleep(float(os.environ["POLL_SECONDS"]))
    print("Timeout", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
